SELECT period_end AS time, avg(value) AS estimate, avg(low) AS lower, avg(high) AS upper
FROM v_estimates
WHERE {estimated} AND measure = 'relevance' AND model = ''
GROUP BY time
ORDER BY time
