-- The texts nearest to one by the cosine of their vectors.
WITH
    (
        SELECT any(vector) FROM embeddings
        WHERE encoder = {encoder:String} AND verdict_id = {verdict_id:UUID} AND side = {side:String}
    ) AS wanted
SELECT verdict_id, side, app, model, action, source_time, text, 1 - cosineDistance(vector, wanted) AS similarity
FROM v_embeddings
WHERE encoder = {encoder:String} AND NOT (verdict_id = {verdict_id:UUID} AND side = {side:String})
ORDER BY similarity DESC, verdict_id, side
LIMIT {most:UInt32}
