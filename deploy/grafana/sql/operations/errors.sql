SELECT countIf(status = 'error') / nullIf(count(), 0) AS share FROM v_replies WHERE {replied}
