SELECT
    source_time AS time,
    app,
    stage,
    arrayStringConcat(
        arrayDistinct(arrayMap((guard, label) -> concat(guard, ': ', label), findings.guard, findings.label)), ', '
    ) AS reasons,
    substringUTF8(prompt_text, 1, 500) AS prompt,
    substringUTF8(response_text, 1, 500) AS response,
    code,
    policy_id AS policy,
    conversation_id AS conversation,
    source_event_id AS event
FROM v_verdicts
WHERE {live}
    AND action = 'block'
ORDER BY source_time DESC, verdict_id
LIMIT 50
