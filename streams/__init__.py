"""Kafka, ClickHouse, HTTP and the command line: the loops around the pure parts."""
