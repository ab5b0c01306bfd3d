SELECT
    $__timeInterval(source_time) AS time, toString(review_stratum) AS by_stratum, countIf(review_sampled) AS drawn
FROM v_verdicts
WHERE {live} AND review_stratum != ''
GROUP BY time, by_stratum
ORDER BY time, by_stratum
