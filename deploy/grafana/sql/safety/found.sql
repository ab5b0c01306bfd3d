SELECT count() AS findings FROM v_findings WHERE {found}
