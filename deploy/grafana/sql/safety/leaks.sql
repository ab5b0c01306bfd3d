SELECT count() AS leaks FROM v_findings WHERE {found} AND origin = 'leak' AND action != 'allow'
