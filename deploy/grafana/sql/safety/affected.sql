SELECT countIf(notEmpty(findings.guard)) / nullIf(count(), 0) AS share FROM v_verdicts WHERE {live}
