-- Sides of verdicts that were sampled or acted on and have no vector of this encoder yet; the newest first.
SELECT verdict_id, side, app, user, conversation_id, source_time, keep_days, text
FROM
(
    SELECT
        verdict_id, app, user, conversation_id, source_time, keep_days,
        arrayJoin([('prompt', prompt_text), ('response', response_text)]) AS part,
        part.1 AS side, part.2 AS text
    FROM v_verdicts
    WHERE run = 'live' AND (review_sampled OR action != 'allow')
)
WHERE notEmpty(trimBoth(text))
    AND (verdict_id, side) NOT IN (SELECT verdict_id, side FROM embeddings WHERE encoder = {encoder:String})
ORDER BY source_time DESC, verdict_id, side
LIMIT {most:UInt32}
