-- Verdicts that stand for several offsets: their event was sent more than once under one id, or replayed.
SELECT topic, verdict_id, uniqExact(partition, offset) AS offsets, count() OVER () AS ids, sum(offsets - 1) OVER () AS extra
FROM v_ledger
WHERE topic IN {topics:Array(String)} AND outcome = 'judged'
GROUP BY topic, verdict_id
HAVING offsets > 1
ORDER BY offsets DESC, topic, verdict_id
LIMIT {examples:UInt32}
