"""Weights to vectors, scores and tokens: the only home of model libraries."""
