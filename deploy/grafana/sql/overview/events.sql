SELECT count() AS events FROM v_verdicts WHERE {live}
