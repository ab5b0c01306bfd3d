SELECT $__timeInterval(log_time) AS time, toString(status) AS by_status, count() AS replies
FROM v_replies
WHERE {replied}
GROUP BY time, by_status
ORDER BY time, by_status
