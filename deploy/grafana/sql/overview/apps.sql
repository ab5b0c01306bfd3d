SELECT
    app,
    count() AS events,
    countIf(action = 'flag') / events AS flagged,
    countIf(action = 'block') / events AS blocked,
    quantile(0.5)(latency_seconds) AS p50,
    quantile(0.99)(latency_seconds) AS p99,
    uniqExact(conversation_id) AS conversations
FROM v_verdicts
WHERE {live}
GROUP BY app
ORDER BY events DESC, app
LIMIT 50
