-- One row a reply, without its text: what of it may be kept is in the verdicts. Of several with one id the first
-- counts, as with verdicts: whoever reads the topic has acted on it. A request has one final reply and a row of its
-- own for every hold before it, so that what is held hides no ending: count those that are final.
CREATE TABLE IF NOT EXISTS replies
(
    reply_id UUID,
    app LowCardinality(String),
    stage LowCardinality(String) COMMENT 'who answered: a stage, deadline, cancel, review or expiry',
    action Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4),
    status LowCardinality(String),
    final Bool,
    code LowCardinality(String) COMMENT 'why there is no text, or empty',
    source String,
    source_event_id String COMMENT 'the id of the request',
    conversation_id String,
    model LowCardinality(String),
    prompt_tokens Nullable(Int64),
    completion_tokens Nullable(Int64),
    finish_reason LowCardinality(String),
    policy_id LowCardinality(String),
    policy_version Int64,
    policy_hash LowCardinality(String),
    held_until Nullable(DateTime64(3, 'UTC')),

    source_time DateTime64(3, 'UTC') COMMENT 'when the broker took the request in' CODEC(Delta, ZSTD),
    source_topic LowCardinality(String) COMMENT 'where the request stands, or empty',
    source_topic_id LowCardinality(String),
    source_partition Int32,
    source_offset Int64,

    log_topic LowCardinality(String) COMMENT 'where the reply itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset,

    INDEX log_time_range log_time TYPE minmax GRANULARITY 1,
    INDEX source_time_range source_time TYPE minmax GRANULARITY 1,
    INDEX source_event_ids source_event_id TYPE bloom_filter GRANULARITY 4,
    INDEX conversation_ids conversation_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (app, reply_id)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_replies AS
SELECT
    *,
    if(source_topic = '', NULL, (toUnixTimestamp64Milli(log_time) - toUnixTimestamp64Milli(source_time)) / 1000)
        AS latency_seconds
FROM replies FINAL;

-- Every reply by where it stands: a second one under the same id, which `replies` leaves out, is a row here.
-- The writer adds these rows after those of `replies`: what is here is stored there, or a dead letter of the writer.
CREATE TABLE IF NOT EXISTS reply_log
(
    reply_id UUID,
    final Bool,
    log_topic LowCardinality(String),
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(log_time)
ORDER BY (log_topic, log_topic_id, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_reply_log AS SELECT * FROM reply_log FINAL;
