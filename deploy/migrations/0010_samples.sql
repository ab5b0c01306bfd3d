-- The review sample: with which probability every verdict was drawn, and what people are asked about those that were.
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS review_stratum LowCardinality(String)
        COMMENT 'part of the traffic that is sampled at a rate of its own; empty where nothing could be judged' AFTER review_probability,
    ADD COLUMN IF NOT EXISTS review_rate Float64
        COMMENT 'the policy''s rate of the stratum; review_probability is lower where people had enough to read' AFTER review_stratum;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW v_verdicts AS
SELECT *, (toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(source_time)) / 1000 AS latency_seconds
FROM verdicts FINAL;

ALTER TABLE reviews
    ADD COLUMN IF NOT EXISTS verdict_id UUID COMMENT 'the verdict that it is about' AFTER kind,
    ADD COLUMN IF NOT EXISTS model LowCardinality(String) AFTER source_event_id,
    ADD COLUMN IF NOT EXISTS stratum LowCardinality(String) COMMENT 'of a sample' AFTER on_expiry,
    ADD COLUMN IF NOT EXISTS probability Float64 COMMENT 'of a sample: with which its verdict was drawn' AFTER stratum,
    ADD COLUMN IF NOT EXISTS readings UInt8 DEFAULT 1 COMMENT 'how many people are to read it' AFTER probability;

-- By how much the rates of a policy are lowered, from when on. The first in the log for a beginning counts, and only
-- if it was there half a minute before: v_sampling_plans has those.
CREATE TABLE IF NOT EXISTS sampling_plans
(
    policy_id LowCardinality(String),
    begins_at DateTime64(3, 'UTC'),
    factor Float64 COMMENT 'what the rates are multiplied by, for events that arrive from begins_at on',
    expected Float64 COMMENT 'readings a day that the rates as they stand would come to',
    budget UInt32 COMMENT 'readings a day that the policy allows; 0: no limit any more',

    log_topic LowCardinality(String) COMMENT 'where the plan itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (policy_id, begins_at)
TTL toDateTime(log_time) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_sampling_plans AS
SELECT policy_id, begins_at, factor, expected, budget, log_time
FROM sampling_plans FINAL
WHERE log_time + INTERVAL 30 SECOND <= begins_at;

-- What is held: a review is open while its request is held for it, and from when a stage opened it until settle has
-- seen that. The state, status and code are those of the request, empty where nothing is known of it yet.
CREATE OR REPLACE VIEW v_reviews AS
SELECT
    reviews.*,
    requests.state AS state, requests.status AS status, requests.code AS code,
    multiIf(
        requests.state = '', true,
        requests.state = 'held', requests.held_for = review_id,
        requests.state = 'open', requests.held_side != side,
        false
    ) AS is_open
FROM (SELECT * FROM reviews FINAL WHERE kind = 'hold') AS reviews
LEFT JOIN
(
    SELECT
        source, source_event_id,
        toString(argMax(settlements.state, log_offset)) AS state,
        argMax(settlements.status, log_offset) AS status,
        argMax(settlements.code, log_offset) AS code,
        argMax(settlements.review_id, log_offset) AS held_for,
        argMax(settlements.hold_side, log_offset) AS held_side
    FROM settlements FINAL
    WHERE (source, source_event_id) IN (SELECT source, source_event_id FROM reviews WHERE kind = 'hold')
    GROUP BY source, source_event_id
) AS requests USING (source, source_event_id);

-- The sample: what was asked about verdicts that count as drawn. A verdict that was judged twice, under another policy
-- the second time, may have been drawn then only; the first judgement counts, so nobody is asked about it.
CREATE VIEW IF NOT EXISTS v_samples AS
SELECT reviews.*
FROM (SELECT * FROM reviews FINAL WHERE kind = 'sample') AS reviews
INNER JOIN
(
    SELECT verdict_id, review_probability FROM verdicts FINAL WHERE run = 'live' AND review_sampled
) AS drawn USING (verdict_id)
WHERE reviews.probability = drawn.review_probability;
