CREATE TABLE IF NOT EXISTS schema_migrations
(
    name String,
    hash FixedString(64) COMMENT 'SHA-256 of the file',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (name, hash);
