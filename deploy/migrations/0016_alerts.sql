-- One row an alert message: every state that an alarm was told in, the latest last. Read v_alerts for how things stand.
CREATE TABLE IF NOT EXISTS alerts
(
    fingerprint String COMMENT 'the same for the same alarm, whenever it comes',
    alertname LowCardinality(String),
    severity LowCardinality(String),
    state LowCardinality(String) COMMENT 'pending, firing, resolved or no_data',
    app LowCardinality(String),
    series LowCardinality(String) COMMENT 'the one with most evidence',
    signal LowCardinality(String),
    guard LowCardinality(String),
    model LowCardinality(String) COMMENT 'that most of the change is in, or empty',
    language LowCardinality(String) COMMENT 'likewise',
    direction LowCardinality(String) COMMENT 'up, down or empty',
    also Array(String) COMMENT 'series that moved with it',
    summary String COMMENT 'one line; nothing in it comes from a text',

    starts_at DateTime64(3, 'UTC') COMMENT 'all times are those of the traffic',
    since DateTime64(3, 'UTC') COMMENT 'when it entered its state',
    fired_at Nullable(DateTime64(3, 'UTC')),
    ends_at Nullable(DateTime64(3, 'UTC')),
    updated_at DateTime64(3, 'UTC') COMMENT 'the end of the last bin that it knows of',
    began_likeliest Nullable(DateTime64(3, 'UTC')) COMMENT 'when the change began',
    began_earliest Nullable(DateTime64(3, 'UTC')) COMMENT 'with latest: 90% of the weight',
    began_latest Nullable(DateTime64(3, 'UTC')),

    value Nullable(Float64) COMMENT 'mean since the change began',
    baseline Nullable(Float64) COMMENT 'what was expected of the same bins',
    change Nullable(Float64) COMMENT 'since the change began, less before',
    visible_shift Nullable(Float64) COMMENT 'least rise that is as likely as not to be seen in 168 bins',
    evidence Float64,
    threshold Float64 COMMENT 'the evidence that pages',
    budget_pages Float64 COMMENT 'false pages in 2,160 bins over all series of the app, at most, in expectation',
    budget_series UInt32,
    bin_seconds Float64,
    flaps UInt32,
    parts Nested
    (
        dimension LowCardinality(String),
        segment String,
        within Float64,
        within_low Float64,
        within_high Float64,
        mix Float64,
        before Nullable(Float64),
        after Nullable(Float64),
        events Int64
    ) COMMENT 'what moved: by the segment''s own rate (within), and by its share of the traffic (mix)',
    examples Array(UUID) COMMENT 'verdict_id of events that show it',
    runbook String,
    dashboard String,

    log_topic LowCardinality(String) COMMENT 'where the alert itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (app, fingerprint, log_topic_id, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 365 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- How every alarm stands.
CREATE VIEW IF NOT EXISTS v_alerts AS
SELECT * FROM alerts FINAL
ORDER BY log_time DESC, log_offset DESC
LIMIT 1 BY fingerprint;

-- Every page that there was: an alarm that began to fire, once, as it was told first.
CREATE VIEW IF NOT EXISTS v_pages AS
SELECT * FROM alerts FINAL
WHERE state = 'firing'
ORDER BY log_time, log_offset
LIMIT 1 BY fingerprint, fired_at;

-- One row a closed bin of a series. What is written again comes out the same; the first counts.
CREATE TABLE IF NOT EXISTS series_bins
(
    app LowCardinality(String),
    series LowCardinality(String),
    bin_seconds Float64,
    number Int64 COMMENT 'of the bin, counted since 1970',
    bin_start DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    phase LowCardinality(String) COMMENT 'learning, watching or silent',
    events UInt64,
    total Float64 COMMENT 'sum of the values',
    conversations UInt64,
    sum_of_means Float64 COMMENT 'over the conversations',
    sum_of_squares Float64 COMMENT 'of the conversations'' means',
    expected Nullable(Float64) COMMENT 'the rate that the baseline has for the bin',
    evidence Nullable(Float64) COMMENT 'before any page of the bin began it anew',
    threshold Nullable(Float64) COMMENT 'the mean evidence over the app''s series that pages',
    level Nullable(Float64),
    margin Nullable(Float64) COMMENT 'how far from the expected rate the fast lane''s promise is proven',
    visible_shift Nullable(Float64) COMMENT 'least rise that is as likely as not to be seen in 168 bins',

    log_topic LowCardinality(String) COMMENT 'where the state stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (app, series, bin_seconds, number)
TTL toDateTime(log_time) + INTERVAL 365 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_series AS
SELECT *, total / events AS rate
FROM series_bins FINAL
ORDER BY log_offset
LIMIT 1 BY app, series, bin_seconds, number;
