-- One row for every time that a target was told of an alert, or could not be: who knew what, and when.
CREATE TABLE IF NOT EXISTS notices
(
    notification_id UUID COMMENT 'what was sent; several alerts of one app may be in it',
    target LowCardinality(String) COMMENT 'log, webhook, alertmanager or grafana',
    fingerprint LowCardinality(String) COMMENT 'of the alert',
    state LowCardinality(String) COMMENT 'firing, no_data or resolved: what the target was told',
    since DateTime64(3, 'UTC') COMMENT 'when the alert entered the state, in the time of the traffic' CODEC(Delta, ZSTD),
    severity LowCardinality(String),
    outcome LowCardinality(String) COMMENT 'delivered or given_up',
    why LowCardinality(String) COMMENT 'change or repeat',
    told_at DateTime64(3, 'UTC') COMMENT 'the notifier''s clock' CODEC(Delta, ZSTD),
    attempts UInt32,
    reason String COMMENT 'why it was given up, or empty',

    log_topic LowCardinality(String) COMMENT 'where the notice itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (target, fingerprint, notification_id)
TTL toDateTime(log_time) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_notices AS SELECT * FROM notices FINAL;
