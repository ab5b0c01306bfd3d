-- One answered request through all stages: a redacted one before others, then one that is easy to read.
WITH asked AS
(
    SELECT
        source, source_event_id, conversation_id, prompt_text, action, source_time, latency_seconds,
        arrayMap((name, label) -> concat(name, ' ', label), findings.guard, findings.label) AS found
    FROM v_verdicts
    WHERE stage = 'screen' AND run = 'live' AND arrayExists(
        (topic, partition, first, last) ->
            source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
        {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
    )
),
judged AS
(
    SELECT
        source, source_event_id, response_text, action, source_time, judged_at,
        arrayMap((name, label) -> concat(name, ' ', label), findings.guard, findings.label) AS found
    FROM v_verdicts
    WHERE stage = 'judge' AND run = 'live' AND (source, source_event_id) IN (SELECT source, source_event_id FROM asked)
)
SELECT
    asked.source_event_id AS request,
    asked.conversation_id AS conversation,
    leftUTF8(asked.prompt_text, 400) AS prompt,
    toString(asked.action) AS screen_action,
    arrayDistinct(asked.found) AS screen_findings,
    asked.latency_seconds * 1000 AS screened_ms,
    replies.model AS model,
    replies.prompt_tokens AS prompt_tokens,
    replies.completion_tokens AS completion_tokens,
    toUnixTimestamp64Milli(judged.source_time) - toUnixTimestamp64Milli(asked.source_time) AS completed_ms,
    toString(judged.action) AS judge_action,
    arrayDistinct(judged.found) AS judge_findings,
    toUnixTimestamp64Milli(judged.judged_at) - toUnixTimestamp64Milli(asked.source_time) AS judged_ms,
    leftUTF8(judged.response_text, 400) AS response,
    replies.status AS status,
    replies.latency_seconds * 1000 AS replied_ms
FROM asked
INNER JOIN judged ON judged.source = asked.source AND judged.source_event_id = asked.source_event_id
INNER JOIN v_replies AS replies ON replies.source = asked.source AND replies.source_event_id = asked.source_event_id
WHERE replies.final AND replies.status IN ('delivered', 'redacted')
ORDER BY
    asked.action = 'redact' DESC,
    (length(prompt) BETWEEN 20 AND 140) AND (length(response) BETWEEN 20 AND 240) DESC,
    isValidASCII(prompt) DESC,
    request
LIMIT 1
