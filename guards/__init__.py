"""Text to findings: patterns and classifiers. No Kafka, no store, no model library."""
