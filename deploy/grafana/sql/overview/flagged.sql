SELECT countIf(action = 'flag') / nullIf(count(), 0) AS share FROM v_verdicts WHERE {live}
