-- Every side that has a vector, with what guards, readers and users said of it: what went wrong follows from these.
WITH
    found AS
    (
        SELECT verdict_id, side, groupUniqArray(guard) AS guards
        FROM v_findings
        WHERE run = 'live' AND action != 'allow' AND kind != 'error' AND source_time >= {since:DateTime64(3, 'UTC')}
        GROUP BY verdict_id, side
    ),
    said AS
    (
        SELECT verdict_id, groupUniqArrayIf(question, yes) AS agreed, groupUniqArrayIf(question, NOT yes) AS denied
        FROM v_answers
        GROUP BY verdict_id
    ),
    disliked AS
    (
        SELECT app, about_source, about_id, count() AS dislikes
        FROM v_feedback
        WHERE is_last AND sentiment = 'negative'
        GROUP BY app, about_source, about_id
    )
SELECT
    placed.verdict_id AS verdict_id, placed.side AS side, placed.app AS app, placed.model AS model,
    placed.source_time AS source_time, placed.text AS text, placed.vector AS vector,
    found.guards AS guards, said.agreed AS agreed, said.denied AS denied, disliked.dislikes > 0 AS disliked
FROM v_embeddings AS placed
LEFT JOIN found ON placed.verdict_id = found.verdict_id AND placed.side = found.side
LEFT JOIN said ON placed.verdict_id = said.verdict_id
LEFT JOIN disliked
    ON placed.app = disliked.app AND placed.source = disliked.about_source AND placed.source_event_id = disliked.about_id
WHERE placed.encoder = {encoder:String} AND placed.source_time >= {since:DateTime64(3, 'UTC')}
    AND ({app:String} = '' OR placed.app = {app:String})
ORDER BY source_time DESC, verdict_id, side
LIMIT {most:UInt32}
