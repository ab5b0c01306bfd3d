-- The offsets of a topic of requests by how settle stands with them, as ranges. A cancellation waits as an open
-- request does.
SELECT partition, toString(status) AS state, min(offset) AS first, max(offset) + 1 AS past
FROM
(
    SELECT
        partition, offset, status,
        offset - row_number() OVER (PARTITION BY partition, status ORDER BY offset) AS island
    FROM
    (
        SELECT partition, offset, if(state = 'cancelled', 'open', toString(state)) AS status
        FROM v_settlements
        WHERE topic = {topic:String} AND topic_id = {topic_id:String} AND offset >= {first:Int64}
    )
)
GROUP BY partition, status, island
ORDER BY partition, first
