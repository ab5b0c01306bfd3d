SELECT
    if(reason = '', 'none given', toString(reason)) AS said,
    count() AS opinions,
    countIf(sentiment = 'negative') / opinions AS negative,
    avg(rating) AS mean_rating,
    countIf(action IN ('flag', 'redact', 'hold', 'block')) / opinions AS also_found
FROM v_feedback
WHERE {said} AND is_last
GROUP BY said
ORDER BY opinions DESC, said
LIMIT 20
