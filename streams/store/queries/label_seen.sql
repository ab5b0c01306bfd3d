-- Whether the store has this state of a label already.
SELECT count() AS rows
FROM labels FINAL
WHERE label_id = {label:UUID} AND labelled_at = {at:DateTime64(3, 'UTC')}
