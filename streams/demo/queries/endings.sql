-- How many of the inputs ended, by topic, and how many of them in a dead letter. A request ends when it is settled too.
WITH ends AS
(
    SELECT topic, partition, offset, max(outcome = 'dead') AS died, max(stage = 'settle') AS refused
    FROM v_ledger
    WHERE arrayExists(
        (t, p, first, last) -> topic = t AND partition = p AND offset BETWEEN first AND last,
        {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
    )
    GROUP BY topic, partition, offset
)
SELECT topic, count() AS ended, countIf(died) AS dead
FROM ends
WHERE died OR refused OR NOT endsWith(topic, '.requests')
    OR (topic, partition, offset) IN (SELECT topic, partition, offset FROM v_settlements WHERE state = 'settled')
GROUP BY topic
