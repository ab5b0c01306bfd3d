-- The series of negative feedback of an app: votes and bad ones an hour. What a user said last of a thing counts, once.
SELECT hour, sum(rated) AS rated, sum(negative) AS negative
FROM v_feedback_rates
WHERE app = {app:String} AND hour >= {since:DateTime64(3)} AND hour < {until:DateTime64(3)}
GROUP BY hour
ORDER BY hour
