-- Why events were not judged, or not as a whole, and why requests got no text. A request that was replied to counts once.
SELECT code, uniqExact(event) AS events
FROM
(
    SELECT code, concat(source, '/', source_event_id) AS event, source_topic, source_partition, source_offset
    FROM v_verdicts
    WHERE code != '' AND run = 'live'
    UNION ALL
    SELECT code, concat(source, '/', source_event_id), source_topic, source_partition, source_offset
    FROM v_replies
    WHERE code != '' AND final
    UNION ALL
    SELECT code, concat(topic, '/', toString(partition), '/', toString(offset)), topic, partition, offset
    FROM v_dead_letters
)
WHERE arrayExists(
    (topic, partition, first, last) ->
        source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
GROUP BY code
ORDER BY events DESC, code
