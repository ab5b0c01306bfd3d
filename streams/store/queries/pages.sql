-- Pages of each app in the last 90 days, and the budget of false ones that they are to be held against.
SELECT
    app,
    count() AS pages,
    countIf(ends_at IS NULL) AS open,
    max(fired_at) AS latest,
    argMax(budget_pages, log_time) AS budget
FROM
(
    SELECT pages.app AS app, pages.fired_at AS fired_at, pages.log_time AS log_time, pages.budget_pages AS budget_pages,
        alerts.ends_at AS ends_at
    FROM v_pages AS pages
    LEFT JOIN (SELECT fingerprint, fired_at, max(ends_at) AS ends_at FROM alerts FINAL GROUP BY ALL) AS alerts
        ON alerts.fingerprint = pages.fingerprint AND alerts.fired_at = pages.fired_at
)
WHERE log_time >= now() - INTERVAL 90 DAY
GROUP BY app
ORDER BY app
