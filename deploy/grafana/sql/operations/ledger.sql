SELECT
    $__timeInterval(source_time) AS time,
    countIf(outcome = 'judged') AS judged,
    countIf(outcome = 'dead') AS dead
FROM v_ledger
WHERE {ledger}
GROUP BY time
ORDER BY time
