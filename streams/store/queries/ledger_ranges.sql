-- The offsets of a topic that the ledger says have ended at a stage, as ranges: consecutive offsets keep the same
-- distance to their own number. What died at a stage before it has ended too; judged counts more than dead.
SELECT partition, judged, min(offset) AS first, max(offset) + 1 AS past
FROM
(
    SELECT
        partition, offset, judged,
        offset - row_number() OVER (PARTITION BY partition, judged ORDER BY offset) AS island
    FROM
    (
        SELECT partition, offset, max(outcome = 'judged') AS judged
        FROM v_ledger
        WHERE topic = {topic:String} AND topic_id = {topic_id:String} AND offset >= {first:Int64}
            AND (stage = {stage:String} OR (outcome = 'dead' AND stage IN {before:Array(String)}))
        GROUP BY partition, offset
    )
)
GROUP BY partition, judged, island
ORDER BY partition, first
