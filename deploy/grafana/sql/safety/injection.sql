SELECT
    $__timeInterval(source_time) AS time,
    quantile(0.5)(prompt_injection) AS "prompt p50",
    quantile(0.95)(prompt_injection) AS "prompt p95",
    quantile(0.95)(context_injection) AS "context p95"
FROM v_verdicts
WHERE {live}
GROUP BY time
ORDER BY time
