SELECT
    app, series, argMax(phase, bin_start) AS now, sum(events) AS of_events, sum(total) / nullIf(sum(events), 0) AS mean_rate,
    argMax(expected, bin_start) AS expected_last, argMax(evidence / nullIf(threshold, 0), bin_start) AS of_threshold,
    argMax(visible_shift, bin_start) AS visible
FROM v_series
WHERE {binned}
GROUP BY app, series
ORDER BY of_threshold DESC NULLS LAST, app, series
LIMIT 100
