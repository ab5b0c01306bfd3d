SELECT count() AS leaks FROM v_findings WHERE {found} AND origin = 'leak' AND finding_action != 'allow'
