SELECT countIf(agreed > 0 AND denied > 0) / nullIf(countIf(agreed + denied > 1), 0) AS share
FROM
(
    SELECT verdict_id, question, countIf(yes) AS agreed, countIf(NOT yes) AS denied
    FROM v_answers
    WHERE {labelled}
    GROUP BY verdict_id, question
)
