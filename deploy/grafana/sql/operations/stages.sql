SELECT $__timeInterval(source_time) AS time, toString(stage) AS by_stage, count() / $__interval_s AS rate
FROM v_verdicts
WHERE {live}
GROUP BY time, by_stage
ORDER BY time, by_stage
