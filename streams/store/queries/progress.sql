-- How far people have come: reviews by kind, app and stratum, how many are open, and how long answers took.
SELECT
    kind, app, stratum, count() AS asked, countIf(is_open) AS open, sum(answered) AS readings,
    minIf(opened_at, is_open) AS oldest, any(taken.median) AS median, any(taken.most) AS most
FROM v_review_queue
LEFT JOIN
(
    SELECT
        kind, app, stratum, quantileOrNull(0.5)(latency_seconds) AS median, quantileOrNull(0.9)(latency_seconds) AS most
    FROM v_labels
    INNER JOIN (SELECT review_id, kind, stratum FROM v_review_queue) AS reviews USING (review_id)
    WHERE NOT skipped
    GROUP BY kind, app, stratum
) AS taken USING (kind, app, stratum)
GROUP BY kind, app, stratum
ORDER BY kind, app, stratum
