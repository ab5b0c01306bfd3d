SELECT countIf(arrayExists(action -> action != 'allow', findings.action)) / nullIf(count(), 0) AS share FROM v_verdicts WHERE {live}
