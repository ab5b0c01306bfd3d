-- Why events could not be judged, or not as a whole.
SELECT code, count() AS events
FROM
(
    SELECT source_topic, source_partition, source_offset, code FROM v_verdicts WHERE code != ''
    UNION ALL
    SELECT topic, partition, offset, code FROM v_dead_letters
)
WHERE arrayExists(
    (topic, partition, first, last) ->
        source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
GROUP BY code
ORDER BY events DESC, code
