-- How many verdicts there are to estimate about, by all that estimation tells apart.
SELECT
    app, if({by_model:Bool}, model, '') AS model, question, review_stratum AS stratum,
    review_probability AS probability, flagged, count() AS seen, if(count(score) = count(), avg(score), NULL) AS mean_score
FROM v_questions
WHERE source_time >= {since:DateTime64(3, 'UTC')} AND source_time < {until:DateTime64(3, 'UTC')}
    AND ({app:String} = '' OR app = {app:String})
GROUP BY app, model, question, stratum, probability, flagged
ORDER BY app, model, question, stratum, probability, flagged
