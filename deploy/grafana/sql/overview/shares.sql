SELECT
    $__timeInterval(source_time) AS time,
    countIf(action = 'flag') / count() AS flagged,
    countIf(action = 'redact') / count() AS redacted,
    countIf(action = 'hold') / count() AS held,
    countIf(action = 'block') / count() AS blocked
FROM v_verdicts
WHERE {live}
GROUP BY time
ORDER BY time
