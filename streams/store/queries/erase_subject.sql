-- Destroys the rows that name a subject, those that are found by others first. Ledgers name positions only, and stay:
-- what was done with an input is known, and not whose it was. A settlement stays without its names, for the same reason.
ALTER TABLE labels DELETE
WHERE app = {app:String} AND labelled_at <= {before:DateTime64(3, 'UTC')}
    AND
    (
        review_id IN (SELECT review_id FROM reviews WHERE app = {app:String} AND opened_at <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
        OR verdict_id IN (SELECT verdict_id FROM verdicts WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
    )
SETTINGS mutations_sync = 2;

ALTER TABLE reviews DELETE
WHERE app = {app:String} AND opened_at <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
SETTINGS mutations_sync = 2;

ALTER TABLE replies DELETE
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND
    (
        has({conversations:Array(String)}, conversation_id)
        OR (source, source_event_id) IN (SELECT source, source_event_id FROM verdicts WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
    )
SETTINGS mutations_sync = 2;

ALTER TABLE settlements UPDATE conversation_id = '', source = '', source_event_id = ''
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND
    (
        has({conversations:Array(String)}, conversation_id)
        OR (source, source_event_id) IN (SELECT source, source_event_id FROM verdicts WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')} AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String}))
    )
SETTINGS mutations_sync = 2;

ALTER TABLE feedback DELETE
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
SETTINGS mutations_sync = 2;

ALTER TABLE verdicts DELETE
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
SETTINGS mutations_sync = 2;

ALTER TABLE embeddings DELETE
WHERE app = {app:String} AND source_time <= {before:DateTime64(3, 'UTC')}
    AND if({user:String} = '', has({conversations:Array(String)}, conversation_id), user = {user:String})
SETTINGS mutations_sync = 2;
