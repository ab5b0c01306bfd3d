SELECT (toUnixTimestamp64Milli(now64(3)) - toUnixTimestamp64Milli(max(log_time))) / 1000 AS age FROM v_verdicts HAVING count() > 0
