-- From the broker's clock at arrival to the verdict, and from the first arrival to the last verdict, by stage.
SELECT
    stage,
    quantileExact(0.5)(latency_seconds) * 1000 AS p50_ms,
    quantileExact(0.99)(latency_seconds) * 1000 AS p99_ms,
    toUnixTimestamp64Milli(min(source_time)) AS first_ms,
    toUnixTimestamp64Milli(max(judged_at)) AS last_ms
FROM v_verdicts
WHERE arrayExists(
    (topic, partition, first, last) ->
        source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
GROUP BY stage
ORDER BY stage
