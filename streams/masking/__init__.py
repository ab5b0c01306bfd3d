"""What is raw, made fit to be looked at."""
