-- Verdicts of all stages in which a guard found more than what the policy allows, or failed, by guard.
WITH inputs AS
(
    SELECT source, source_event_id
    FROM v_verdicts
    WHERE arrayExists(
        (topic, partition, first, last) ->
            source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
        {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
    )
)
SELECT
    arrayJoin(arrayDistinct(arrayFilter(
        (name, action) -> action != 'allow', findings.guard, findings.action
    ))) AS guard,
    count() AS events
FROM v_verdicts
WHERE run = 'live' AND (source, source_event_id) IN inputs
GROUP BY guard
ORDER BY events DESC, guard
