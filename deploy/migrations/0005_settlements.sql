-- One row an offset of `requests`: how settle stands with the request there. A request that was sent again has a row
-- for every offset. States follow each other in one partition of one topic, so that the last one counts.
CREATE TABLE IF NOT EXISTS settlements
(
    topic LowCardinality(String) COMMENT 'where the request stands',
    topic_id LowCardinality(String),
    partition Int32,
    offset Int64,
    source_time DateTime64(3, 'UTC') COMMENT 'when the broker took the request in' CODEC(Delta, ZSTD),
    app LowCardinality(String),
    conversation_id String,
    source String,
    source_event_id String COMMENT 'the id of the request',
    state Enum8('open' = 0, 'held' = 1, 'cancelled' = 2, 'settled' = 3),
    deadline Nullable(DateTime64(3, 'UTC')) COMMENT 'when something happens by itself',
    review_id UUID COMMENT 'of its last hold, or zero',
    hold_side LowCardinality(String) COMMENT 'of its last hold: prompt or response, or empty',
    reply_id UUID COMMENT 'of its final reply, or zero',
    status LowCardinality(String) COMMENT 'of its final reply, or empty',
    code LowCardinality(String) COMMENT 'of its final reply, or empty',
    settled_at Nullable(DateTime64(3, 'UTC')),

    log_topic LowCardinality(String) COMMENT 'where the settlement itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED log_offset,

    INDEX log_time_range log_time TYPE minmax GRANULARITY 1,
    INDEX source_event_ids source_event_id TYPE bloom_filter GRANULARITY 4,
    INDEX review_ids review_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (topic, topic_id, partition, offset)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_settlements AS SELECT *, source_event_id AS request_id FROM settlements FINAL;
