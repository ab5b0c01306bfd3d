SELECT bin_start AS time, concat(app, ' ', series) AS by_series, max(evidence / threshold) AS value
FROM v_series
WHERE {binned} AND threshold > 0
GROUP BY time, by_series
ORDER BY time, by_series
