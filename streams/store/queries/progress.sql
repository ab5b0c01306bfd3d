-- How far people have come: reviews by kind, app and stratum, how many are open, and how long answers took.
SELECT
    kind, app, stratum, count() AS asked, countIf(is_open) AS open, sum(answered) AS readings,
    minIf(opened_at, is_open) AS oldest
FROM v_review_queue
GROUP BY kind, app, stratum
ORDER BY kind, app, stratum
