"""Models that answer: prompts in, texts out."""
