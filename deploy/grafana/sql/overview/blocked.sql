SELECT countIf(action = 'block') / nullIf(count(), 0) AS share FROM v_verdicts WHERE {live}
