SELECT count() AS reviews FROM v_reviews WHERE is_open
