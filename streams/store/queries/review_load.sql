-- What the sample asks of people, by policy: readings drawn since `day`, and readings a second that the rates as they
-- stand come to, by the last ten minutes or the last hour, whichever is more. A second reading counts as one.
SELECT
    policy_id,
    countIf(review_sampled AND source_time >= {day:DateTime64(3, 'UTC')}) AS drawn,
    greatest(
        sumIf(review_rate, source_time >= {now:DateTime64(3, 'UTC')} - INTERVAL 10 MINUTE) / 600,
        sumIf(review_rate, source_time >= {now:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR) / 3600
    ) AS rate
FROM v_verdicts
WHERE run = 'live'
    AND source_time >= least({day:DateTime64(3, 'UTC')}, {now:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR)
    AND source_time < {now:DateTime64(3, 'UTC')}
    AND policy_id IN {policies:Array(String)}
GROUP BY policy_id
