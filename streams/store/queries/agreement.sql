-- Every verdict that two people or more answered a question about without seeing anything of each other: the answers in
-- the order in which they were given.
SELECT question, groupArray(yes) AS answers
FROM
(
    SELECT verdict_id, question, yes, reader, labelled_at
    FROM v_answers
    WHERE blind AND ({app:String} = '' OR app = {app:String})
    ORDER BY verdict_id, question, labelled_at, reader
)
GROUP BY verdict_id, question
HAVING count() > 1
ORDER BY question, verdict_id
