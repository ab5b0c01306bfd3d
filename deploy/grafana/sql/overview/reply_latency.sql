SELECT
    $__timeInterval(log_time) AS time,
    quantileOrNull(0.5)(latency_seconds) AS "p50",
    quantileOrNull(0.99)(latency_seconds) AS "p99"
FROM v_replies
WHERE {replied}
GROUP BY time
ORDER BY time
