-- How many of the inputs ended, and how many of them in a dead letter.
SELECT
    uniqExact(topic, partition, offset) AS ended,
    uniqExactIf((topic, partition, offset), outcome = 'dead') AS dead
FROM v_ledger
WHERE arrayExists(
    (t, p, first, last) -> topic = t AND partition = p AND offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
