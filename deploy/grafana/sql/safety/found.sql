SELECT count() AS findings FROM v_findings WHERE {found} AND finding_action != 'allow'
