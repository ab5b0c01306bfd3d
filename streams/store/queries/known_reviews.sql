-- Samples that somebody who knows has answered and this reader has not, in an order of the reader's own.
SELECT review_id
FROM v_review_queue
WHERE kind = 'sample'
    AND review_id IN (SELECT review_id FROM v_answers WHERE reader IN {experts:Array(String)})
    AND NOT has(readers, {reader:String})
ORDER BY cityHash64(review_id, {reader:String})
LIMIT {most:UInt32}
