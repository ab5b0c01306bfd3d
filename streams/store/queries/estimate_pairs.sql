-- By question, the texts that two people read blindly, and those on which the first two differed: all that there are,
-- for it is about the readers.
SELECT question, count() AS read, countIf(answers[1] != answers[2]) AS disagreed
FROM
(
    SELECT verdict_id, question, arrayMap(said -> said.3, arraySort(groupArray((labelled_at, reader, yes)))) AS answers
    FROM v_answers
    WHERE blind
    GROUP BY verdict_id, question
    HAVING count() > 1
)
GROUP BY question
