SELECT
    source_time AS time,
    max(prompt_toxicity) AS "prompt toxicity",
    max(prompt_injection) AS "prompt injection",
    max(response_toxicity) AS "response toxicity",
    max(response_relevance) AS relevance
FROM v_verdicts
WHERE conversation_id = ${conversation:sqlstring} AND run = 'live'
GROUP BY time
ORDER BY time
