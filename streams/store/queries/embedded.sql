-- The sides with a vector of verdicts whose id begins so.
SELECT verdict_id, side, text
FROM v_embeddings
WHERE encoder = {encoder:String} AND startsWith(toString(verdict_id), {beginning:String})
ORDER BY verdict_id, side
LIMIT 3
