-- What a model on trial would have answered, beside what was answered: one row for each copy that was judged, so that
-- the two can be compared request by request. Without the answer (NULL, or an empty text) one of them has none yet, or
-- `code` or `shadow_code` says why not.
CREATE VIEW IF NOT EXISTS v_shadows AS
WITH
    judged AS (SELECT * FROM verdicts FINAL WHERE stage = 'judge')
SELECT
    shadow.app AS app, shadow.conversation_id AS conversation_id, shadow.source AS source,
    shadow.source_event_id AS source_event_id, shadow.source_time AS source_time, live.arm AS arm,
    live.model AS model, shadow.model AS shadow_model,
    live.model_version AS model_version, shadow.model_version AS shadow_version,
    live.verdict_id AS verdict_id, shadow.verdict_id AS shadow_verdict_id,
    live.action AS action, shadow.action AS shadow_action,
    live.code AS code, shadow.code AS shadow_code,
    live.response_toxicity AS response_toxicity, shadow.response_toxicity AS shadow_toxicity,
    live.response_relevance AS response_relevance, shadow.response_relevance AS shadow_relevance,
    live.response_scores AS response_scores, shadow.response_scores AS shadow_scores,
    live.response_text AS response_text, shadow.response_text AS shadow_text
FROM (SELECT * FROM judged WHERE startsWith(run, 'shadow:model:')) AS shadow
INNER JOIN (SELECT * FROM judged WHERE run = 'live') AS live
    ON live.app = shadow.app AND live.source = shadow.source AND live.source_event_id = shadow.source_event_id;
