SELECT
    guard,
    label,
    toString(action) AS outcome,
    count() AS findings,
    uniqExact(verdict_id) AS events,
    avg(score) AS mean_score
FROM v_findings
WHERE {found} AND action != 'allow'
GROUP BY guard, label, outcome
ORDER BY findings DESC, guard, label, outcome
LIMIT 30
