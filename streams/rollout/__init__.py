"""Versions of policies under way: what may become of them, which of them judges an event, and how that travels."""
