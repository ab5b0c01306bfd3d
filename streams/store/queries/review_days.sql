-- For how many days a review is kept by its policy; 0: as long as the table keeps any.
SELECT keep_days
FROM reviews FINAL
WHERE app = {app:String} AND stage = {stage:String} AND review_id = {review:UUID}
