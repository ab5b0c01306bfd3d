-- Where a user spoke: replies and settlements name the conversation only.
SELECT DISTINCT conversation_id
FROM
(
    SELECT conversation_id FROM verdicts WHERE app = {app:String} AND user = {user:String}
    UNION ALL
    SELECT conversation_id FROM feedback WHERE app = {app:String} AND user = {user:String}
)
ORDER BY conversation_id
