-- The rows of the ledgers follow those that they stand for: their highest offset is stored in every table. Settlements,
-- reviews, labels, notices and plans have no other table. After merges an offset may be gone whose row gave way to
-- another one; what is then read again changes nothing.
SELECT log_topic AS topic, log_topic_id AS topic_id, log_partition AS partition, max(log_offset) AS last_offset
FROM
(
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM ledger
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM reply_log
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM settlements
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM reviews
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM notices
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM sampling_plans
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM labels
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM alerts
    UNION ALL
    SELECT log_topic, log_topic_id, log_partition, log_offset FROM series_bins
)
GROUP BY topic, topic_id, partition
