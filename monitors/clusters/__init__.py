"""Texts that belong together, by their vectors, and the words that tell them from others. Pure."""
