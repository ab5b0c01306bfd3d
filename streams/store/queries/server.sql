SELECT version() AS version, toUnixTimestamp64Milli(now64(3)) AS milliseconds
