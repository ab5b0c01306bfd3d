"""Inference: work in, completions out."""
