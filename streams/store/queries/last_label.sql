-- What somebody said last.
SELECT review_id
FROM v_labels
WHERE reader = {reader:String}
ORDER BY labelled_at DESC
LIMIT 1
