ALTER TABLE embeddings DELETE
WHERE verdict_id NOT IN (SELECT verdict_id FROM verdicts)
SETTINGS mutations_sync = 2
