-- Requests that are settled, by records before the given ends of their log, and have no final reply. A repeat is settled
-- when and by the reply that the request was. The day is for a clock of settle's that goes wrong.
WITH settled AS
(
    SELECT topic, partition, offset, reply_id, settled_at
    FROM v_settlements
    WHERE state = 'settled' AND topic = {topic:String} AND topic_id = {topic_id:String}
        AND arrayExists((p, first) -> partition = p AND offset >= first, {partitions:Array(Int32)}, {firsts:Array(Int64)})
        AND log_topic = {log_topic:String} AND log_topic_id = {log_topic_id:String}
        AND arrayExists(
            (p, past) -> log_partition = p AND log_offset < past,
            {log_partitions:Array(Int32)}, {log_pasts:Array(Int64)}
        )
)
SELECT topic, partition, offset, reply_id, count() OVER () AS total
FROM settled
WHERE reply_id NOT IN
(
    SELECT reply_id
    FROM reply_log
    WHERE final AND log_time >= (SELECT min(settled_at) FROM settled) - INTERVAL 1 DAY
)
ORDER BY topic, partition, offset
LIMIT {examples:UInt32}
