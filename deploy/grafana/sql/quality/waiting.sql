SELECT count() AS reviews FROM v_review_queue WHERE is_open AND $__conditionalAll(app IN (${app:sqlstring}), $app)
