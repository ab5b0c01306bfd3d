"""Kafka: clients, topics, groups, transactions, and who leads."""
