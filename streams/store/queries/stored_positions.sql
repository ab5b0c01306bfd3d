-- The ledger's rows follow the rows that they stand for: its highest offset is stored in every table.
SELECT log_topic AS topic, log_topic_id AS topic_id, log_partition AS partition, max(log_offset) AS last_offset
FROM ledger
GROUP BY topic, topic_id, partition
