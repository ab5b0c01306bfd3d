SELECT
    source_time AS time, stage, side, guard, label, kind, score, threshold, toString(action) AS outcome, origin, start, end
FROM v_findings
WHERE conversation_id = ${conversation:sqlstring} AND run = 'live'
ORDER BY source_time, stage, side, start, guard, label
LIMIT 500
