SELECT $__timeInterval(source_time) AS time, toString(app) AS by_app, count() AS events
FROM v_verdicts
WHERE {live}
GROUP BY time, by_app
ORDER BY time, by_app
