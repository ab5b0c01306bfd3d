-- Whether a span in a response was given before (echo) or appears from nowhere (leak); empty for all else.
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS findings.origin Array(LowCardinality(String)) COMMENT 'echo, leak, or empty' AFTER findings.end;

ALTER TABLE reviews
    ADD COLUMN IF NOT EXISTS findings.origin Array(LowCardinality(String)) COMMENT 'echo, leak, or empty' AFTER findings.end;

-- Views keep the columns that their tables had when they were made.
CREATE OR REPLACE VIEW v_verdicts AS
SELECT *, (toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(source_time)) / 1000 AS latency_seconds
FROM verdicts FINAL;

CREATE OR REPLACE VIEW v_findings AS
SELECT
    verdict_id, app, stage, run, conversation_id, source_event_id, source_time, log_time, model, policy_id,
    policy_version, action AS verdict_action, finding_side AS side, finding_index AS index, guard, label, kind, score,
    threshold, finding_action AS action, start, end, origin
FROM verdicts FINAL
ARRAY JOIN
    findings.side AS finding_side, findings.index AS finding_index, findings.guard AS guard,
    findings.label AS label, findings.kind AS kind, findings.score AS score, findings.threshold AS threshold,
    findings.action AS finding_action, findings.start AS start, findings.end AS end, findings.origin AS origin;
