SELECT
    $__timeInterval(log_time) AS time,
    sum(ifNull(prompt_tokens, 0)) AS read,
    sum(ifNull(completion_tokens, 0)) AS made
FROM v_replies
WHERE {replied}
GROUP BY time
ORDER BY time
