-- Where texts lie by their meaning: one row a side of a verdict that was sampled or acted on, by `weir errors refresh`.
-- Made from the masked text, so that nothing is in a vector that is not in the verdict; it can be made again at any time.
CREATE TABLE IF NOT EXISTS embeddings
(
    verdict_id UUID,
    side LowCardinality(String) COMMENT 'prompt or response',
    app LowCardinality(String),
    user String COMMENT 'of the verdict, so that a subject can be forgotten',
    conversation_id String,
    source_time DateTime64(3, 'UTC') COMMENT 'of the verdict' CODEC(Delta, ZSTD),
    encoder LowCardinality(String) COMMENT 'model and version: vectors of one are comparable among themselves only',
    vector Array(Int8) COMMENT 'the direction: the mean of the text''s windows, its largest entry as 127',
    made_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree(made_at)
PARTITION BY toYYYYMM(source_time)
ORDER BY (encoder, app, verdict_id, side)
TTL toDateTime(source_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- Vectors whose verdict is still there, with its masked text.
CREATE VIEW IF NOT EXISTS v_embeddings AS
SELECT
    embeddings.verdict_id AS verdict_id, embeddings.side AS side, embeddings.encoder AS encoder,
    embeddings.vector AS vector, verdicts.app AS app, verdicts.stage AS stage, verdicts.model AS model,
    verdicts.action AS action, verdicts.source AS source, verdicts.source_event_id AS source_event_id,
    verdicts.source_time AS source_time,
    if(embeddings.side = 'prompt', verdicts.prompt_text, verdicts.response_text) AS text
FROM (SELECT * FROM embeddings FINAL) AS embeddings
INNER JOIN (SELECT * FROM verdicts FINAL WHERE run = 'live') AS verdicts ON embeddings.verdict_id = verdicts.verdict_id;
