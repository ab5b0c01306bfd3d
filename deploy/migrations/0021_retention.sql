-- For how long a policy lets rows stay that say whose they are. `weir migrate` then has the tables forget them by the
-- lesser of this and their own days: it knows those that WEIR_STORE_DAYS has set.
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS keep_days UInt16
        COMMENT 'days from log_time on, by the policy of the app; 0: as the table' AFTER policy_hash;

ALTER TABLE replies
    ADD COLUMN IF NOT EXISTS keep_days UInt16
        COMMENT 'days from log_time on, by the policy of the app; 0: as the table' AFTER policy_hash;

ALTER TABLE reviews
    ADD COLUMN IF NOT EXISTS keep_days UInt16
        COMMENT 'days from log_time on, by the policy of the app; 0: as the table' AFTER policy_hash;

ALTER TABLE feedback
    ADD COLUMN IF NOT EXISTS keep_days UInt16
        COMMENT 'days from log_time on, by the policy of the app; 0: as the table' AFTER policy_hash;

ALTER TABLE embeddings
    ADD COLUMN IF NOT EXISTS keep_days UInt16
        COMMENT 'days from source_time on, as of the verdict; 0: as the table' AFTER source_time;

ALTER TABLE labels
    ADD COLUMN IF NOT EXISTS keep_days UInt16
        COMMENT 'days from log_time on, as of the review; 0: as the table' AFTER labelled_at;

-- `weir audit` counts requests by their settlements: those stay, as ledger and reply_log do, and lose what tells whose
-- they were. Rows from before have nothing to lose, so that they need not be read now.
ALTER TABLE settlements
    ADD COLUMN IF NOT EXISTS keep_names_days UInt16
        COMMENT 'days from log_time on after which conversation_id, source and source_event_id are emptied, by the policy; 0: never'
        AFTER settled_at,
    MODIFY COLUMN conversation_id
        TTL toDateTime(log_time) + toIntervalDay(if(keep_names_days = 0, 20000, keep_names_days)),
    MODIFY COLUMN source
        TTL toDateTime(log_time) + toIntervalDay(if(keep_names_days = 0, 20000, keep_names_days)),
    MODIFY COLUMN source_event_id
        TTL toDateTime(log_time) + toIntervalDay(if(keep_names_days = 0, 20000, keep_names_days))
SETTINGS materialize_ttl_after_modify = 0;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW v_verdicts AS
SELECT *, (toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(source_time)) / 1000 AS latency_seconds
FROM verdicts FINAL;

CREATE OR REPLACE VIEW v_replies AS
SELECT
    *,
    if(source_topic = '', NULL, (toUnixTimestamp64Milli(log_time) - toUnixTimestamp64Milli(source_time)) / 1000)
        AS latency_seconds
FROM replies FINAL;

CREATE OR REPLACE VIEW v_settlements AS SELECT *, source_event_id AS request_id FROM settlements FINAL;

CREATE OR REPLACE VIEW v_labels AS
SELECT *, (toUnixTimestamp64Milli(labelled_at) - toUnixTimestamp64Milli(opened_at)) / 1000 AS latency_seconds
FROM labels FINAL
WHERE NOT undone;
