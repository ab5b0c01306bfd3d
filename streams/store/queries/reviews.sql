-- Reviews by the beginning of their id, those that are still open first, then oldest first.
SELECT
    review_id, app, stage, side, toString(action) AS action, conversation_id, source, source_event_id,
    opened_at, expires_at, on_expiry, policy_id, policy_version,
    is_open, toString(state) AS state, status, code,
    prompt_text, response_text, context_texts,
    prompt_action IS NOT NULL AS has_prompt, response_action IS NOT NULL AS has_response,
    `findings.side` AS finding_sides, `findings.index` AS finding_indexes, `findings.guard` AS finding_guards,
    `findings.label` AS finding_labels, `findings.kind` AS finding_kinds, `findings.score` AS finding_scores,
    `findings.threshold` AS finding_thresholds,
    arrayMap(action -> toString(action), `findings.action`) AS finding_actions
FROM v_reviews
WHERE startsWith(toString(review_id), {prefix:String}) AND (is_open OR {closed:Bool})
ORDER BY is_open DESC, opened_at, review_id
LIMIT {most:UInt32}
