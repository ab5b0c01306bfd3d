SELECT
    $__timeInterval(source_time) AS time,
    quantile(0.05)(response_relevance) AS "relevance p5",
    quantile(0.5)(response_relevance) AS "relevance p50",
    quantile(0.05)(response_groundedness) AS "groundedness p5",
    quantile(0.5)(response_groundedness) AS "groundedness p50"
FROM v_verdicts
WHERE {live}
GROUP BY time
ORDER BY time
