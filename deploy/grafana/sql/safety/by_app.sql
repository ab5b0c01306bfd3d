SELECT $__timeInterval(source_time) AS time, toString(app) AS by_app, countIf(action = 'block') / count() AS share
FROM v_verdicts
WHERE {live}
GROUP BY time, by_app
ORDER BY time, by_app
