-- Final replies that the topic holds, written before its given ends, to requests that are not settled by them.
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
FROM replied
WHERE reply_id NOT IN
(
    SELECT reply_id
    FROM v_settlements
    WHERE state = 'settled' AND log_time >= (SELECT min(log_time) FROM replied) - INTERVAL 1 DAY
)
ORDER BY topic, partition, offset
LIMIT {examples:UInt32}
