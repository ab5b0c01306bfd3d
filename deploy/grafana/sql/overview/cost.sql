SELECT
    $__timeInterval(log_time) AS time,
    toString(app) AS by_app,
    (sum(ifNull(prompt_tokens, 0)) * toFloat64($read_price) + sum(ifNull(completion_tokens, 0)) * toFloat64($made_price))
        / 1000000 AS cost
FROM v_replies
WHERE {replied}
GROUP BY time, by_app
ORDER BY time, by_app
