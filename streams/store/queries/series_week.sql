-- The last 168 bins of a series: what was, what was expected, and the evidence against what pages.
SELECT bin_start, events, rate, expected, evidence, threshold, phase
FROM v_series
WHERE app = {app:String} AND series = {series:String}
ORDER BY bin_start DESC
LIMIT 168
