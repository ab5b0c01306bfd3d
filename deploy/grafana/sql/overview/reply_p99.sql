SELECT quantileOrNull(0.99)(latency_seconds) AS p99 FROM v_replies WHERE {replied}
