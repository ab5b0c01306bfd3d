-- One row a feedback, with its comment masked. Sent again under the same id it is the same row: the first counts.
CREATE TABLE IF NOT EXISTS feedback
(
    feedback_id UUID,
    app LowCardinality(String),
    user String COMMENT 'pseudonym given by the application, or empty',
    conversation_id String,
    source String COMMENT 'who sent the feedback',
    source_event_id String COMMENT 'the feedback''s own id',
    about LowCardinality(String) COMMENT 'request or interaction',
    about_source String COMMENT 'the source of what it is about',
    about_id String COMMENT 'the id of what it is about',
    thumb LowCardinality(String) COMMENT 'up, down, or empty',
    rating Nullable(UInt8) COMMENT '1 to 5, the best',
    reason LowCardinality(String) COMMENT 'a word of the application''s choosing, or empty',
    sentiment LowCardinality(String) COMMENT 'negative, neutral or positive; empty where neither thumb nor rating was given',
    comment String COMMENT 'personal data and secrets masked' CODEC(ZSTD(3)),
    comment_action Nullable(Enum8('allow' = 0, 'flag' = 1, 'redact' = 2, 'hold' = 3, 'block' = 4)) COMMENT 'of the policy, as if it were a prompt',
    comment_scores Map(LowCardinality(String), Float32),
    comment_language LowCardinality(String) COMMENT 'ISO 639, or empty',

    event_time DateTime64(3, 'UTC') COMMENT 'the client''s clock: may be anything' CODEC(Delta, ZSTD),
    source_time DateTime64(3, 'UTC') COMMENT 'when the broker took the feedback in' CODEC(Delta, ZSTD),
    source_topic LowCardinality(String) COMMENT 'where the feedback stands',
    source_topic_id LowCardinality(String),
    source_partition Int32,
    source_offset Int64,
    policy_id LowCardinality(String) COMMENT 'by which the comment was judged',
    policy_version Int64,
    policy_hash LowCardinality(String),
    traceparent String,

    log_topic LowCardinality(String) COMMENT 'where the opinion itself stands in Kafka',
    log_topic_id LowCardinality(String),
    log_partition Int32,
    log_offset Int64,
    log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    version Int64 MATERIALIZED -log_offset,

    INDEX log_time_range log_time TYPE minmax GRANULARITY 1,
    INDEX source_time_range source_time TYPE minmax GRANULARITY 1,
    INDEX about_ids about_id TYPE bloom_filter GRANULARITY 4,
    INDEX conversation_ids conversation_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(log_time)
ORDER BY (app, feedback_id)
TTL toDateTime(log_time) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- Feedback with the verdicts on what it is about and the final reply, whichever came first: the sides are joined when
-- they are asked for, so that nothing waits and nothing is missed. An app's feedback meets its own events only.
-- `joined` says what was found: both, verdict, reply or none; late, if that came in 30 days before the feedback or
-- after it. `is_last`: nobody said anything else of the same thing later under the same user.
CREATE VIEW IF NOT EXISTS v_feedback AS
SELECT
    judged.*,
    replied.status AS status,
    replied.code AS code,
    replied.latency_seconds AS latency_seconds,
    multiIf(
        empty(stages) AND replied.final = 0, 'none',
        abs(dateDiff('second', if(empty(stages), replied.asked_at, judged_from), source_time)) > 30 * 86400, 'late',
        empty(stages), 'reply',
        replied.final = 0, 'verdict',
        'both'
    ) AS joined,
    row_number() OVER (
        PARTITION BY app, about_source, about_id, user ORDER BY source_time DESC, source_offset DESC
    ) = 1 AS is_last
FROM
(
    SELECT
        opinions.*,
        verdicts_on.stages AS stages,
        verdicts_on.action AS action,
        verdicts_on.model AS model,
        verdicts_on.labels AS labels,
        verdicts_on.prompt_language AS prompt_language,
        verdicts_on.response_language AS response_language,
        verdicts_on.response_toxicity AS response_toxicity,
        verdicts_on.response_relevance AS response_relevance,
        verdicts_on.response_groundedness AS response_groundedness,
        verdicts_on.judged_by AS judged_by,
        verdicts_on.judged_from AS judged_from
    FROM (SELECT * FROM feedback FINAL) AS opinions
    LEFT JOIN
    (
        SELECT
            app, source AS about_source, source_event_id AS about_id,
            arraySort(groupUniqArray(toString(verdicts.stage))) AS stages,
            toString(max(verdicts.action)) AS action,
            argMax(verdicts.model, (verdicts.model != '', source_time)) AS model,
            arraySort(groupUniqArrayArray(
                arrayMap((g, l) -> concat(g, '/', l), findings.guard, findings.label)
            )) AS labels,
            max(verdicts.prompt_language) AS prompt_language,
            max(verdicts.response_language) AS response_language,
            max(verdicts.response_toxicity) AS response_toxicity,
            min(verdicts.response_relevance) AS response_relevance,
            min(verdicts.response_groundedness) AS response_groundedness,
            argMax(concat(policy_id, '@', toString(policy_version)), judged_at) AS judged_by,
            min(source_time) AS judged_from
        FROM verdicts FINAL
        WHERE run = 'live' AND (source, source_event_id) IN (SELECT about_source, about_id FROM feedback)
        GROUP BY app, about_source, about_id
    ) AS verdicts_on USING (app, about_source, about_id)
) AS judged
LEFT JOIN
(
    SELECT
        app, source AS about_source, source_event_id AS about_id,
        1 AS final,
        any(replies.status) AS status,
        any(replies.code) AS code,
        any((toUnixTimestamp64Milli(log_time) - toUnixTimestamp64Milli(source_time)) / 1000) AS latency_seconds,
        min(source_time) AS asked_at
    FROM replies FINAL
    WHERE replies.final AND (source, source_event_id) IN (SELECT about_source, about_id FROM feedback)
    GROUP BY app, about_source, about_id
) AS replied USING (app, about_source, about_id);

-- How feedback went, an hour, by the time at which it came in. What a user said last of a thing counts, once.
CREATE VIEW IF NOT EXISTS v_feedback_rates AS
SELECT
    toStartOfHour(source_time) AS hour, app, model,
    count() AS events,
    countIf(sentiment != '') AS rated,
    countIf(sentiment = 'negative') AS negative,
    if(rated = 0, NULL, negative / rated) AS negative_rate
FROM v_feedback
WHERE is_last
GROUP BY hour, app, model;
