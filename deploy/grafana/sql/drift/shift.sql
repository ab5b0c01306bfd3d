SELECT bin_start AS time, concat(app, ' ', series) AS by_series, max(visible_shift) AS value
FROM v_series
WHERE {binned} AND visible_shift IS NOT NULL
GROUP BY time, by_series
ORDER BY time, by_series
