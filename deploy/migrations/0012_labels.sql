-- What people said of reviews. One row a person and review: of several the last one in the log counts.
CREATE TABLE IF NOT EXISTS labels
(
    label_id UUID,
    review_id UUID,
    verdict_id UUID COMMENT 'what it is about: a hold and a sample of one verdict are read once',
    app LowCardinality(String),
    reader String COMMENT 'who says so',
    answers Map(LowCardinality(String), Bool)
        COMMENT 'by question: relevant, correct, or a guard (or guard.LABEL) whose problem is there or not',
    note String COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),
    blind Bool COMMENT 'the reader saw neither findings nor what others said',
    skipped Bool COMMENT 'the reader will not answer',
    undone Bool COMMENT 'what the reader said does not count any more',
    opened_at DateTime64(3, 'UTC') COMMENT 'when the review was opened' CODEC(Delta, ZSTD),
    labelled_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD),

    log_topic LowCardinality(String) COMMENT 'where the label itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED log_offset
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (app, label_id)
TTL toDateTime(log_time) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS v_labels AS
SELECT *, (toUnixTimestamp64Milli(labelled_at) - toUnixTimestamp64Milli(opened_at)) / 1000 AS latency_seconds
FROM labels FINAL
WHERE NOT undone;

-- One row an answer.
CREATE VIEW IF NOT EXISTS v_answers AS
SELECT verdict_id, review_id, app, reader, question, yes, blind, labelled_at
FROM v_labels
ARRAY JOIN mapKeys(answers) AS question, mapValues(answers) AS yes
WHERE NOT skipped;

-- What became of every verdict that somebody was asked about: who has said something (or would not), how many answered,
-- and whether they are at odds on any question.
CREATE VIEW IF NOT EXISTS v_readings AS
SELECT verdict_id, groupUniqArray(reader) AS readers, uniqExactIf(reader, NOT skipped) AS answered, any(odds.at_odds) AS at_odds
FROM v_labels
LEFT JOIN
(
    SELECT verdict_id, max(split) AS at_odds
    FROM (SELECT verdict_id, question, 2 * countIf(yes) = count() AS split FROM v_answers GROUP BY verdict_id, question)
    GROUP BY verdict_id
) AS odds USING (verdict_id)
GROUP BY verdict_id;

-- What waits for people: holds until their requests go on, and samples until enough people have answered, one more
-- where two are at odds.
CREATE VIEW IF NOT EXISTS v_review_queue AS
SELECT
    review_id, kind, verdict_id, app, stage, side, action, user, conversation_id, source, source_event_id, model,
    opened_at, expires_at, on_expiry, stratum, probability, policy_id, policy_version,
    prompt_action, response_action, prompt_text, response_text, context_texts, `findings.side`, `findings.index`,
    `findings.guard`, `findings.label`, `findings.kind`, `findings.score`, `findings.threshold`, `findings.action`,
    is_open, toString(state) AS state, toString(status) AS status, toString(code) AS code,
    toUInt64(1) AS wanted, toUInt64(0) AS answered, emptyArrayString() AS readers
FROM v_reviews
UNION ALL
SELECT
    review_id, kind, verdict_id, app, stage, side, action, user, conversation_id, source, source_event_id, model,
    opened_at, expires_at, on_expiry, stratum, probability, policy_id, policy_version,
    prompt_action, response_action, prompt_text, response_text, context_texts, `findings.side`, `findings.index`,
    `findings.guard`, `findings.label`, `findings.kind`, `findings.score`, `findings.threshold`, `findings.action`,
    v_readings.answered < samples.readings + v_readings.at_odds AS is_open, '' AS state, '' AS status, '' AS code,
    toUInt64(samples.readings + v_readings.at_odds) AS wanted, v_readings.answered AS answered,
    v_readings.readers AS readers
FROM v_samples AS samples
LEFT JOIN v_readings USING (verdict_id);
