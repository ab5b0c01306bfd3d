"""Has a distribution changed? Views that people know, and an alarm for embeddings."""
