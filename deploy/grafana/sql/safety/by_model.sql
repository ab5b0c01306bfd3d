SELECT $__timeInterval(source_time) AS time, toString(model) AS by_model, countIf(action = 'block') / count() AS share
FROM v_verdicts
WHERE {live}
GROUP BY time, by_model
ORDER BY time, by_model
