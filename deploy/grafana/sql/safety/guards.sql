SELECT $__timeInterval(source_time) AS time, toString(guard) AS by_guard, count() AS findings
FROM v_findings
WHERE {found} AND action != 'allow'
GROUP BY time, by_guard
ORDER BY time, by_guard
