SELECT quantileOrNull(0.5)(latency_seconds) AS p50 FROM v_labels WHERE {labelled} AND NOT skipped
