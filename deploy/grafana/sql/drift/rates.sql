SELECT bin_start AS time, concat(app, ' ', series) AS by_series, max(rate) AS value
FROM v_series
WHERE {binned} AND events > 0
GROUP BY time, by_series
ORDER BY time, by_series
