SELECT count() AS opinions FROM v_feedback WHERE {said} AND is_last
