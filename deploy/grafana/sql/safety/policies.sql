SELECT
    policy_id AS policy,
    policy_version AS version,
    count() AS events,
    countIf(action = 'flag') / events AS flagged,
    countIf(action = 'block') / events AS blocked,
    min(source_time) AS first,
    max(source_time) AS last
FROM v_verdicts
WHERE {live}
GROUP BY policy, version
ORDER BY policy, version DESC
LIMIT 30
