SELECT $__timeInterval(log_time) AS time, toString(code) AS by_code, count() AS dead
FROM v_dead_letters
WHERE {dead}
GROUP BY time, by_code
ORDER BY time, by_code
