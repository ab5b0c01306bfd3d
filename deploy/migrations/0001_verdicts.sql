-- One row a verdict. The month and the retention come from the broker's clock (log_time), never from a client's.
-- The sorting key stays the same however often an event is judged, and the lowest offset has the highest version:
-- of several verdicts with one id, the first counts. Read v_verdicts, which applies that at once.
CREATE TABLE IF NOT EXISTS verdicts
(
    verdict_id UUID,
    app LowCardinality(String),
    stage LowCardinality(String),
    run LowCardinality(String),
    action Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4),
    code LowCardinality(String) COMMENT 'why the event could not be judged as a whole, or empty',
    field String COMMENT 'what is at fault, or empty',
    conversation_id String,
    user String COMMENT 'pseudonym given by the application, or empty',
    model LowCardinality(String),
    source String,
    source_event_id String,

    event_time DateTime64(3, 'UTC') COMMENT 'the client''s clock: may be anything' CODEC(Delta, ZSTD),
    source_time DateTime64(3, 'UTC') COMMENT 'when the broker took the event in' CODEC(Delta, ZSTD),
    judged_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    source_topic LowCardinality(String),
    source_topic_id LowCardinality(String),
    source_partition Int32,
    source_offset Int64,

    policy_id LowCardinality(String),
    policy_version Int64,
    policy_hash LowCardinality(String),
    versions Map(LowCardinality(String), String) COMMENT 'of every guard and model',
    review_probability Float64 COMMENT 'inclusion probability of the review sample',
    review_sampled Bool,
    guard_seconds Float64,
    traceparent String,

    prompt_toxicity Nullable(Float32),
    prompt_injection Nullable(Float32),
    response_toxicity Nullable(Float32),
    response_relevance Nullable(Float32),
    response_groundedness Nullable(Float32),
    context_injection Nullable(Float32) COMMENT 'highest of the passages',
    prompt_scores Map(LowCardinality(String), Float32),
    response_scores Map(LowCardinality(String), Float32),
    context_scores Array(Map(LowCardinality(String), Float32)),

    prompt_action Nullable(Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4)),
    response_action Nullable(Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4)),
    context_actions Array(Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4)),
    prompt_text String COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),
    response_text String COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),
    context_texts Array(String) COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),

    findings Nested
    (
        side LowCardinality(String),
        index UInt32,
        guard LowCardinality(String),
        label LowCardinality(String),
        kind LowCardinality(String),
        score Nullable(Float32),
        threshold Nullable(Float32),
        action Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4),
        start Nullable(Int64),
        end Nullable(Int64)
    ) COMMENT 'index: which context passage, from 0; start and end: code points of the original text',

    log_topic LowCardinality(String) COMMENT 'where the verdict itself stands in Kafka',
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
ORDER BY (app, stage, verdict_id)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_verdicts AS
SELECT *, (toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(source_time)) / 1000 AS latency_seconds
FROM verdicts FINAL;

CREATE VIEW IF NOT EXISTS v_findings AS
SELECT
    verdict_id, app, stage, run, conversation_id, source_event_id, source_time, log_time, model, policy_id,
    policy_version, action AS verdict_action, finding_side AS side, finding_index AS index, guard, label, kind, score,
    threshold, finding_action AS action, start, end
FROM verdicts FINAL
ARRAY JOIN
    findings.side AS finding_side, findings.index AS finding_index, findings.guard AS guard,
    findings.label AS label, findings.kind AS kind, findings.score AS score, findings.threshold AS threshold,
    findings.action AS finding_action, findings.start AS start, findings.end AS end;

-- Live traffic an hour, by the time at which it came in.
CREATE VIEW IF NOT EXISTS v_rates AS
SELECT toStartOfHour(source_time) AS hour, app, stage, action, count() AS events
FROM verdicts FINAL
WHERE run = 'live'
GROUP BY hour, app, stage, action;
