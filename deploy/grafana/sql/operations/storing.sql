SELECT
    $__timeInterval(log_time) AS time,
    quantile(0.99)((toUnixTimestamp64Milli(log_time) - toUnixTimestamp64Milli(source_time)) / 1000) AS "to the log, p99",
    quantile(0.99)(guard_seconds) AS "in the guards, p99",
    quantile(0.5)(guard_seconds) AS "in the guards, p50"
FROM v_verdicts
WHERE {live}
GROUP BY time
ORDER BY time
