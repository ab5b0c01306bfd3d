-- One row a review. A stage that judges an event again opens the review again, under the same id: the first counts,
-- for that is the one a person may have read.
CREATE TABLE IF NOT EXISTS reviews
(
    review_id UUID,
    kind LowCardinality(String),
    app LowCardinality(String),
    stage LowCardinality(String),
    side LowCardinality(String) COMMENT 'what is held: prompt or response',
    action Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4),
    user String COMMENT 'pseudonym given by the application, or empty',
    conversation_id String,
    source String,
    source_event_id String COMMENT 'the id of the request',
    opened_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    expires_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    on_expiry LowCardinality(String),
    policy_id LowCardinality(String),
    policy_version Int64,
    policy_hash LowCardinality(String),

    prompt_action Nullable(Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4)),
    response_action Nullable(Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4)),
    context_actions Array(Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4)),
    prompt_text String COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),
    response_text String COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),
    context_texts Array(String) COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),
    prompt_scores Map(LowCardinality(String), Float32),
    response_scores Map(LowCardinality(String), Float32),
    context_scores Array(Map(LowCardinality(String), Float32)),

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

    log_topic LowCardinality(String) COMMENT 'where the review itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset,

    INDEX log_time_range log_time TYPE minmax GRANULARITY 1,
    INDEX source_event_ids source_event_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (app, stage, review_id)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- A review is open while its request is held for it, and from when a stage opened it until settle has seen that. The
-- state, status and code are those of the request, empty where nothing is known of it yet.
CREATE VIEW IF NOT EXISTS v_reviews AS
SELECT
    reviews.*,
    requests.state AS state, requests.status AS status, requests.code AS code,
    multiIf(
        requests.state = '', true,
        requests.state = 'held', requests.held_for = review_id,
        requests.state = 'open', requests.held_side != side,
        false
    ) AS is_open
FROM (SELECT * FROM reviews FINAL) AS reviews
LEFT JOIN
(
    SELECT
        source, source_event_id,
        toString(argMax(settlements.state, log_offset)) AS state,
        argMax(settlements.status, log_offset) AS status,
        argMax(settlements.code, log_offset) AS code,
        argMax(settlements.review_id, log_offset) AS held_for,
        argMax(settlements.hold_side, log_offset) AS held_side
    FROM settlements FINAL
    WHERE (source, source_event_id) IN (SELECT source, source_event_id FROM reviews)
    GROUP BY source, source_event_id
) AS requests USING (source, source_event_id);
