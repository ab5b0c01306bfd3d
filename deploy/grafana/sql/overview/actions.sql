SELECT
    $__timeInterval(source_time) AS time,
    countIf(action = 'allow') AS allow,
    countIf(action = 'flag') AS flag,
    countIf(action = 'redact') AS redact,
    countIf(action = 'hold') AS hold,
    countIf(action = 'block') AS block
FROM v_verdicts
WHERE {live}
GROUP BY time
ORDER BY time
