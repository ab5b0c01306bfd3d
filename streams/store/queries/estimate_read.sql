-- The answers to questions about sampled verdicts, in the order in which they were given.
SELECT
    app, if({by_model:Bool}, model, '') AS model, question, review_stratum AS stratum,
    review_probability AS probability, flagged, score, answers.given AS answers
FROM v_questions
INNER JOIN
(
    SELECT verdict_id, question, arrayMap(said -> said.3, arraySort(groupArray((labelled_at, reader, yes)))) AS given
    FROM v_answers
    GROUP BY verdict_id, question
) AS answers USING (verdict_id, question)
WHERE review_sampled
    AND source_time >= {since:DateTime64(3, 'UTC')} AND source_time < {until:DateTime64(3, 'UTC')}
    AND ({app:String} = '' OR app = {app:String})
ORDER BY verdict_id, question
