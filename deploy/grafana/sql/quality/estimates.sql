SELECT
    app, if(model = '', 'all', toString(model)) AS of_model, question, measure, value, low, high, method, seen, read,
    noise, period_start, period_end
FROM v_estimates
WHERE {estimated}
ORDER BY period_end DESC, app, of_model, question, measure
LIMIT 1 BY app, of_model, question, measure
LIMIT 100
