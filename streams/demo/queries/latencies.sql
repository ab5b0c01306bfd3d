-- From the broker's clock at arrival to the verdict of the stage, and for requests to the final reply.
WITH inputs AS
(
    SELECT source, source_event_id, stage, latency_seconds, source_time, judged_at
    FROM v_verdicts
    WHERE run = 'live' AND stage IN ('screen', 'observe') AND arrayExists(
        (topic, partition, first, last) ->
            source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
        {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
    )
)
SELECT
    step AS stage,
    quantileExact(0.5)(seconds) * 1000 AS p50_ms,
    quantileExact(0.99)(seconds) * 1000 AS p99_ms,
    toUnixTimestamp64Milli(min(began)) AS first_ms,
    toUnixTimestamp64Milli(max(ended)) AS last_ms
FROM
(
    SELECT concat('verdict of ', stage) AS step, latency_seconds AS seconds, source_time AS began, judged_at AS ended
    FROM inputs
    UNION ALL
    SELECT concat('verdict of ', stage), latency_seconds, source_time, judged_at
    FROM v_verdicts
    WHERE run = 'live' AND stage = 'judge'
        AND (source, source_event_id) IN (SELECT source, source_event_id FROM inputs)
    UNION ALL
    SELECT if(stage = 'judge', 'reply by the model', 'reply without it'), latency_seconds, source_time, log_time
    FROM v_replies
    WHERE final AND (source, source_event_id) IN (SELECT source, source_event_id FROM inputs)
)
GROUP BY step
ORDER BY step DESC
