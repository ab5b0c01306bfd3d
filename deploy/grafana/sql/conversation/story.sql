SELECT time, what, outcome, detail, event
FROM
(
    SELECT
        source_time AS time, 0 AS turn, concat('arrived at ', stage) AS what, '' AS outcome, '' AS detail,
        source_event_id AS event
    FROM v_verdicts
    WHERE conversation_id = ${conversation:sqlstring} AND run = 'live'
    UNION ALL
    SELECT
        judged_at, 1, concat('judged by ', stage), toString(action),
        arrayStringConcat(arrayMap((g, l, s) -> concat(g, ': ', l, if(isNull(s), '', concat(' ', toString(round(s, 2))))),
            findings.guard, findings.label, findings.score), ', '),
        source_event_id
    FROM v_verdicts
    WHERE conversation_id = ${conversation:sqlstring} AND run = 'live'
    UNION ALL
    SELECT opened_at, 2, concat('held for a person, ', side), toString(state), policy_id, source_event_id
    FROM v_reviews
    WHERE conversation_id = ${conversation:sqlstring}
    UNION ALL
    SELECT log_time, 3, concat('answered by ', stage), toString(status), toString(code), source_event_id
    FROM v_replies
    WHERE conversation_id = ${conversation:sqlstring}
    UNION ALL
    SELECT
        source_time, 4, 'feedback', toString(sentiment),
        arrayStringConcat(arrayFilter(said -> said != '', [toString(thumb), toString(rating), toString(reason), comment]), ', '),
        about_id
    FROM v_feedback
    WHERE conversation_id = ${conversation:sqlstring}
)
ORDER BY time, turn, event
LIMIT 500
