SELECT
    $__timeInterval(source_time) AS time,
    quantile(0.5)(latency_seconds) AS "p50",
    quantile(0.99)(latency_seconds) AS "p99"
FROM v_verdicts
WHERE {live}
GROUP BY time
ORDER BY time
