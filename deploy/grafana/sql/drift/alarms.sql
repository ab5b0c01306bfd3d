SELECT
    app, alertname, state, summary, value, baseline, began_likeliest, began_earliest, began_latest,
    evidence / nullIf(threshold, 0) AS of_threshold, flaps, runbook
FROM v_alerts
WHERE {alarmed}
ORDER BY indexOf(['firing', 'no_data', 'pending', 'resolved'], state), v_alerts.since DESC
LIMIT 50
