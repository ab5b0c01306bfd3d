SELECT
    $__timeInterval(source_time) AS time,
    quantile(0.5)(prompt_toxicity) AS "prompt p50",
    quantile(0.95)(prompt_toxicity) AS "prompt p95",
    quantile(0.5)(response_toxicity) AS "response p50",
    quantile(0.95)(response_toxicity) AS "response p95"
FROM v_verdicts
WHERE {live}
GROUP BY time
ORDER BY time
