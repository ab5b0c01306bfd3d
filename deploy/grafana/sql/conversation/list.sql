SELECT
    conversation_id AS conversation,
    any(v_verdicts.app) AS of_app,
    min(source_time) AS first,
    max(source_time) AS last,
    count() AS events,
    toString(max(action)) AS worst,
    max(prompt_toxicity) AS prompt_toxicity,
    max(response_toxicity) AS response_toxicity
FROM v_verdicts
WHERE {live} AND conversation_id != ''
GROUP BY conversation
ORDER BY max(action) DESC, last DESC, conversation
LIMIT 100
