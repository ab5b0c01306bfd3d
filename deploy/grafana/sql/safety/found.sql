SELECT count() AS findings FROM v_findings WHERE {found} AND action != 'allow'
