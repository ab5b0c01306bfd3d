SELECT countIf(sentiment = 'negative') / nullIf(countIf(sentiment != ''), 0) AS share FROM v_feedback WHERE {said} AND is_last
