-- Final replies that the topic holds to requests that had one, while settle still remembered that.
WITH replied AS
(
    SELECT log_topic AS topic, log_partition AS partition, log_offset AS offset, log_time, reply_id
    FROM v_reply_log
    WHERE final AND log_topic = {topic:String} AND log_topic_id = {topic_id:String}
        AND arrayExists(
            (p, first, past) -> log_partition = p AND log_offset >= first AND log_offset < past,
            {partitions:Array(Int32)}, {firsts:Array(Int64)}, {pasts:Array(Int64)}
        )
)
SELECT topic, partition, offset, reply_id, count() OVER () AS total
FROM
(
    SELECT
        *,
        row_number() OVER same AS number,
        lagInFrame(log_time) OVER same AS before
    FROM replied
    WHERE reply_id IN (SELECT reply_id FROM replied GROUP BY reply_id HAVING count() > 1)
    WINDOW same AS (PARTITION BY reply_id ORDER BY log_time, partition, offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE number > 1 AND dateDiff('second', before, log_time) < {remembered:Int64}
ORDER BY topic, partition, offset
LIMIT {examples:UInt32}
