SELECT
    toString(stage) AS answered_by,
    toString(status) AS status,
    count() AS replies,
    quantileOrNull(0.5)(latency_seconds) AS p50,
    quantileOrNull(0.99)(latency_seconds) AS p99
FROM v_replies
WHERE {replied}
GROUP BY answered_by, status
ORDER BY replies DESC, answered_by, status
