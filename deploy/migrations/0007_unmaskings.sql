-- One row for every entry of the vault that somebody was shown, written before it is shown. Rows are only ever added,
-- and stay: there is no TTL. The time is the store's own, not that of the machine which asked.
CREATE TABLE IF NOT EXISTS unmaskings
(
    unmasking_id UUID,
    unmasked_at DateTime64(3, 'UTC') DEFAULT now64(3),
    unmasked_by String COMMENT 'who, as they say',
    account String COMMENT 'the account of the machine that they were logged in to',
    reason String,
    app LowCardinality(String),
    stage LowCardinality(String),
    source String,
    source_event_id String,
    subject String COMMENT 'whose text it is',
    key_id UUID COMMENT 'the data key that it was under',
    kept_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY unmasking_id
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_unmaskings AS SELECT * FROM unmaskings FINAL;
