SELECT count() AS replies FROM v_replies WHERE {replied}
