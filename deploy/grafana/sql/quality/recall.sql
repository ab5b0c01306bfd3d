SELECT period_end AS time, toString(question) AS by_question, avg(value) AS value
FROM v_estimates
WHERE {estimated} AND measure = 'recall' AND model = ''
GROUP BY time, by_question
ORDER BY time, by_question
