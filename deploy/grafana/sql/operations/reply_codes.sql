SELECT $__timeInterval(log_time) AS time, if(code = '', 'answered', toString(code)) AS by_code, count() AS replies
FROM v_replies
WHERE {replied}
GROUP BY time, by_code
ORDER BY time, by_code
