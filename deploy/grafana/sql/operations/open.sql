SELECT countIf(state = 'open') AS requests FROM v_settlements WHERE {settled}
