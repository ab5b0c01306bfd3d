-- Verdicts by action, mildest first.
SELECT action, count() AS events
FROM v_verdicts
WHERE arrayExists(
    (topic, partition, first, last) ->
        source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
GROUP BY action
ORDER BY toInt8(v_verdicts.action)
