-- One row a dead letter: where it stood and why it ended. Its key and value stay in Kafka, for that topic's retention.
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String) COMMENT 'where the message stood before',
    topic_id LowCardinality(String),
    partition Int32,
    offset Int64,
    stage LowCardinality(String),
    code LowCardinality(String),
    field String,
    message String COMMENT 'why; holds no user text',
    replays Int64,
    size Int64 COMMENT 'bytes of the value',

    log_topic LowCardinality(String) COMMENT 'where the dead letter stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (topic, topic_id, partition, offset, replays)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_dead_letters AS SELECT * FROM dead_letters FINAL;
