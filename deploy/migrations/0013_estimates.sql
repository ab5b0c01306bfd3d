-- One row for every verdict that could be drawn and every question that people have answered: whether the guard says that
-- the problem is there, and how much it thinks so (higher is worse; NULL where it has no score). For `relevant` the guard
-- is relevance; `correct` has none. A verdict to which a guard does not apply has no row for it.
CREATE VIEW IF NOT EXISTS v_questions AS
WITH
    multiIf(question = 'relevant', 'relevance', question = 'correct', '', splitByChar('.', question)[1]) AS guard_asked,
    splitByChar('.', question)[2] AS label_asked,
    if(label_asked = '', guard_asked, label_asked) AS score_name
SELECT
    verdict_id, app, stage, model, source_time, review_stratum, review_probability, review_sampled, question,
    arrayExists(
        (guard, label, kind, action) ->
            guard = guard_asked AND (label_asked = '' OR label = label_asked) AND kind != 'error' AND action != 'allow',
        findings.guard, findings.label, findings.kind, findings.action
    ) AS flagged,
    multiIf(
        guard_asked IN ('', 'pii', 'secrets'), NULL,
        guard_asked IN ('relevance', 'groundedness'),
            if(mapContains(response_scores, score_name), 1 - response_scores[score_name], NULL),
        greatest(
            prompt_scores[score_name], response_scores[score_name],
            arrayMax(arrayPushBack(arrayMap(scores -> scores[score_name], context_scores), toFloat32(0)))
        )
    ) AS score
FROM (SELECT * FROM verdicts FINAL) AS verdicts
ARRAY JOIN (SELECT groupUniqArray(v_answers.question) FROM v_answers) AS question
WHERE run = 'live' AND review_probability > 0
    AND multiIf(
        question IN ('relevant', 'correct'), response_action IS NOT NULL,
        guard_asked IN ('pii', 'secrets'), true,
        mapContains(prompt_scores, score_name) OR mapContains(response_scores, score_name)
            OR arrayExists(scores -> mapContains(scores, score_name), context_scores)
            OR has(findings.guard, guard_asked)
    );

-- What the answers say of all traffic, over time: one row a figure and period; computed again, the latest counts.
CREATE TABLE IF NOT EXISTS estimates
(
    app LowCardinality(String),
    model LowCardinality(String) COMMENT 'empty: all models',
    question LowCardinality(String) COMMENT 'relevant, correct, or a guard (or guard.LABEL)',
    measure LowCardinality(String) COMMENT 'prevalence, precision, recall, accuracy, relevance, correctness',
    period_start DateTime64(3, 'UTC') COMMENT 'of events by when the broker took them in',
    period_end DateTime64(3, 'UTC') COMMENT 'not included',
    value Nullable(Float64) COMMENT 'NULL where the sample says nothing',
    low Float64 COMMENT 'of the interval',
    high Float64,
    confidence Float64 COMMENT 'how often such intervals hold the truth',
    method LowCardinality(String) COMMENT 'exact, stratified, PPI++, MOVER-R',
    as_read Nullable(Float64) COMMENT 'the value before readers'' mistakes were taken out',
    noise Nullable(Float64) COMMENT 'share of labels thought wrong; NULL: not known, nothing taken out',
    seen UInt64 COMMENT 'verdicts that it is about',
    read UInt64 COMMENT 'those that people answered',
    bad UInt64 COMMENT 'those of them that counted: bad, right, relevant or correct',
    computed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(period_end)
ORDER BY (app, model, question, measure, period_start, period_end)
TTL toDateTime(period_end) + INTERVAL 1095 DAY
SETTINGS non_replicated_deduplication_window = 1000;

CREATE VIEW IF NOT EXISTS v_estimates AS SELECT * FROM estimates FINAL;
