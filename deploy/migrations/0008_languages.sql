-- The language of every side (ISO 639, empty where it cannot be told), so that results can be told apart by language.
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS prompt_language LowCardinality(String) COMMENT 'ISO 639, or empty' AFTER prompt_text,
    ADD COLUMN IF NOT EXISTS response_language LowCardinality(String) COMMENT 'ISO 639, or empty' AFTER response_text,
    ADD COLUMN IF NOT EXISTS context_languages Array(LowCardinality(String)) COMMENT 'ISO 639, or empty' AFTER context_texts;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW v_verdicts AS
SELECT *, (toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(source_time)) / 1000 AS latency_seconds
FROM verdicts FINAL;
