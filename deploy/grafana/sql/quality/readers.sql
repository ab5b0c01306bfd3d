SELECT
    reader, countIf(NOT skipped) AS labels, countIf(skipped) AS left_to_others, countIf(blind) AS blindly,
    quantile(0.5)(latency_seconds) AS p50, max(labelled_at) AS last
FROM v_labels
WHERE {labelled}
GROUP BY reader
ORDER BY labels DESC, reader
LIMIT 30
