-- Verdicts in which a guard found something or failed, by guard.
SELECT arrayJoin(arrayDistinct(findings.guard)) AS guard, count() AS events
FROM v_verdicts
WHERE arrayExists(
    (topic, partition, first, last) ->
        source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
GROUP BY guard
ORDER BY events DESC, guard
