-- The queue with where in a text something was found: a view keeps the columns that it had when it was made.
CREATE OR REPLACE VIEW v_review_queue AS
SELECT
    review_id, kind, verdict_id, app, stage, side, action, user, conversation_id, source, source_event_id, model,
    opened_at, expires_at, on_expiry, stratum, probability, policy_id, policy_version,
    prompt_action, response_action, prompt_text, response_text, context_texts, `findings.side`, `findings.index`,
    `findings.guard`, `findings.label`, `findings.kind`, `findings.score`, `findings.threshold`, `findings.action`,
    `findings.start`, `findings.end`,
    is_open, toString(state) AS state, toString(status) AS status, toString(code) AS code,
    toUInt64(1) AS wanted, toUInt64(0) AS answered, emptyArrayString() AS readers
FROM v_reviews
UNION ALL
SELECT
    review_id, kind, verdict_id, app, stage, side, action, user, conversation_id, source, source_event_id, model,
    opened_at, expires_at, on_expiry, stratum, probability, policy_id, policy_version,
    prompt_action, response_action, prompt_text, response_text, context_texts, `findings.side`, `findings.index`,
    `findings.guard`, `findings.label`, `findings.kind`, `findings.score`, `findings.threshold`, `findings.action`,
    `findings.start`, `findings.end`,
    v_readings.answered < samples.readings + v_readings.at_odds AS is_open, '' AS state, '' AS status, '' AS code,
    toUInt64(samples.readings + v_readings.at_odds) AS wanted, v_readings.answered AS answered,
    v_readings.readers AS readers
FROM v_samples AS samples
LEFT JOIN v_readings USING (verdict_id);
