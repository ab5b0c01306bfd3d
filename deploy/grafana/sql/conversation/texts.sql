SELECT
    source_time AS time,
    stage,
    toString(action) AS outcome,
    prompt_language AS language,
    prompt_text AS prompt,
    response_text AS response,
    arrayStringConcat(context_texts, '\n\n') AS context
FROM v_verdicts
WHERE conversation_id = ${conversation:sqlstring} AND run = 'live'
ORDER BY source_time, stage
LIMIT 200
