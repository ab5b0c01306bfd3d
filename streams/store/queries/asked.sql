-- What a response answers: prompt and context of its request, as screen saw them, masked.
SELECT prompt_text, context_texts
FROM v_verdicts
WHERE app = {app:String} AND stage = 'screen' AND run = 'live'
    AND source = {source:String} AND source_event_id = {event:String}
LIMIT 1
