SELECT
    if(prompt_language = '', '?', toString(prompt_language)) AS language,
    count() AS events,
    countIf(action = 'flag') / events AS flagged,
    countIf(action = 'block') / events AS blocked,
    avg(prompt_toxicity) AS prompt_toxicity,
    avg(response_toxicity) AS response_toxicity
FROM v_verdicts
WHERE {live}
GROUP BY language
ORDER BY events DESC, language
LIMIT 30
