-- Endings beyond the first of each input at each stage: two verdicts, or a verdict and a dead letter.
SELECT count() - uniqExact(source_topic, source_partition, source_offset, stage) AS extra
FROM
(
    SELECT source_topic, source_partition, source_offset, stage FROM v_verdicts WHERE run = 'live'
    UNION ALL
    SELECT topic, partition, offset, stage FROM v_dead_letters WHERE stage != 'store'
)
WHERE arrayExists(
    (topic, partition, first, last) ->
        source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
