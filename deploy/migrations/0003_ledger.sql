-- How every input offset ended. Verdicts of one event at several offsets collapse by id; here each offset has its row.
-- The writer adds these rows after the verdicts and dead letters that they stand for: what is here is stored there.
CREATE TABLE IF NOT EXISTS ledger
(
    topic LowCardinality(String) COMMENT 'the input',
    topic_id LowCardinality(String),
    partition Int32,
    offset Int64,
    source_time DateTime64(3, 'UTC') COMMENT 'of a dead letter: when it was written as one' CODEC(Delta, ZSTD),
    stage LowCardinality(String),
    outcome Enum8('dead' = 0, 'judged' = 1),
    verdict_id UUID COMMENT 'zero for a dead letter',

    log_topic LowCardinality(String) COMMENT 'the verdict or dead letter',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    -- Judged counts more than dead; then the latest, so that the highest offset stored stays readable after merges.
    version UInt64 MATERIALIZED toUInt64(outcome = 'judged') * 4611686018427387904 + log_offset
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (topic, topic_id, partition, offset, stage)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_ledger AS SELECT *, toStartOfHour(source_time) AS hour FROM ledger FINAL;

-- Topics that were deleted and created again, and that an operator allowed the writer to go on with.
CREATE TABLE IF NOT EXISTS accepted_topics
(
    topic LowCardinality(String),
    topic_id String,
    accepted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, topic_id);
