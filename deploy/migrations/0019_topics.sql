-- What each side is about and how far it is from all topics known, by the map of topics (its version is in `versions`).
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS prompt_topic LowCardinality(String) COMMENT 'of the last message, or empty' AFTER prompt_language,
    ADD COLUMN IF NOT EXISTS prompt_novelty Nullable(Float32) COMMENT 'one less the cosine to the nearest topic' AFTER prompt_topic,
    ADD COLUMN IF NOT EXISTS response_topic LowCardinality(String) COMMENT 'or empty' AFTER response_language,
    ADD COLUMN IF NOT EXISTS response_novelty Nullable(Float32) COMMENT 'one less the cosine to the nearest topic' AFTER response_topic;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW v_verdicts AS
SELECT *, (toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(source_time)) / 1000 AS latency_seconds
FROM verdicts FINAL;
