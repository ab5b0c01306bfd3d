-- How many vectors are of verdicts that are gone: of a subject that was forgotten while they were made.
SELECT toUInt64(count()) AS vectors FROM embeddings WHERE verdict_id NOT IN (SELECT verdict_id FROM verdicts)
