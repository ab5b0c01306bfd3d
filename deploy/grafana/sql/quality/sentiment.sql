SELECT
    $__timeInterval(source_time) AS time,
    countIf(sentiment = 'positive') AS positive,
    countIf(sentiment = 'neutral') AS neutral,
    countIf(sentiment = 'negative') AS negative
FROM v_feedback
WHERE {said} AND is_last
GROUP BY time
ORDER BY time
