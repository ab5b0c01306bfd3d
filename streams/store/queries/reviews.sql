-- Reviews by kind and the beginning of their id: those that are still open first; holds oldest first, samples in a
-- random order, so that whatever part of them gets read is a random one.
SELECT
    review_id, kind, verdict_id, app, stage, side, toString(action) AS action, conversation_id, source, source_event_id,
    opened_at, expires_at, on_expiry, policy_id, policy_version, stratum, probability, wanted, answered, readers,
    is_open, state, status, code,
    prompt_text, response_text, context_texts,
    prompt_action IS NOT NULL AS has_prompt, response_action IS NOT NULL AS has_response,
    `findings.side` AS finding_sides, `findings.index` AS finding_indexes, `findings.guard` AS finding_guards,
    `findings.label` AS finding_labels, `findings.kind` AS finding_kinds, `findings.score` AS finding_scores,
    `findings.threshold` AS finding_thresholds,
    arrayMap(action -> toString(action), `findings.action`) AS finding_actions,
    `findings.start` AS finding_starts, `findings.end` AS finding_ends
FROM v_review_queue
WHERE kind IN {kinds:Array(String)}
    AND startsWith(toString(review_id), {prefix:String})
    AND (is_open OR {closed:Bool})
    AND NOT has(readers, {without:String})
ORDER BY is_open DESC, kind, if(kind = 'hold', toUnixTimestamp64Milli(opened_at), toInt64(cityHash64(review_id))), review_id
LIMIT {most:UInt32}
