-- How people answered texts of which somebody who knows has said what is so: by reader and question. Readings that were
-- not blind say nothing of the reader; where those who know differ, nothing is known.
WITH known AS
(
    SELECT verdict_id, question, any(yes) AS truth
    FROM v_answers
    WHERE reader IN {experts:Array(String)} AND ({app:String} = '' OR app = {app:String})
    GROUP BY verdict_id, question
    HAVING uniqExact(yes) = 1
)
SELECT
    reader, question, countIf(truth) AS yes, countIf(truth AND said) AS yes_said, countIf(NOT truth) AS no,
    countIf(NOT truth AND said) AS no_said_yes
FROM
(
    SELECT reader, question, verdict_id, yes AS said
    FROM v_answers
    WHERE blind AND reader NOT IN {experts:Array(String)}
) AS answers
INNER JOIN known USING (verdict_id, question)
GROUP BY reader, question
ORDER BY reader, question
