-- What a judged completion comes from: so that models, their versions and the arms of a comparison can be told apart.
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS model_version LowCardinality(String) COMMENT 'name@version#hash, or empty' AFTER model,
    ADD COLUMN IF NOT EXISTS engine LowCardinality(String) COMMENT 'continuous, static, http, or empty' AFTER model_version,
    ADD COLUMN IF NOT EXISTS wanted_model LowCardinality(String) COMMENT 'for which the model stood in, or empty' AFTER engine,
    ADD COLUMN IF NOT EXISTS arm LowCardinality(String) COMMENT 'of the conversation, or empty' AFTER wanted_model;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW v_verdicts AS
SELECT *, (toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(source_time)) / 1000 AS latency_seconds
FROM verdicts FINAL;
