-- How many rows name a subject, by table.
SELECT 'labels' AS name, toUInt64(count()) AS rows FROM labels
WHERE app = {app:String} AND labelled_at <= {before:DateTime64(3, 'UTC')}
    AND
    (
        review_id IN (SELECT review_id FROM reviews WHERE app = {app:String} AND opened_at <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
        OR verdict_id IN (SELECT verdict_id FROM verdicts WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
    )
UNION ALL
SELECT 'reviews' AS name, toUInt64(count()) AS rows FROM reviews
WHERE app = {app:String} AND opened_at <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
UNION ALL
SELECT 'replies' AS name, toUInt64(count()) AS rows FROM replies
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND
    (
        has({conversations:Array(String)}, conversation_id)
        OR (source, source_event_id) IN (SELECT source, source_event_id FROM verdicts WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
    )
UNION ALL
SELECT 'settlements' AS name, toUInt64(count()) AS rows FROM settlements
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND
    (
        has({conversations:Array(String)}, conversation_id)
        OR (source, source_event_id) IN (SELECT source, source_event_id FROM verdicts WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
    )
UNION ALL
SELECT 'feedback' AS name, toUInt64(count()) AS rows FROM feedback
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
UNION ALL
SELECT 'verdicts' AS name, toUInt64(count()) AS rows FROM verdicts
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
UNION ALL
SELECT 'embeddings' AS name, toUInt64(count()) AS rows FROM embeddings
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
