SELECT count() AS errors FROM v_findings WHERE {found} AND kind = 'error'
