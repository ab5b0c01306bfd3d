"""Forgetting a subject: in the vault, in the store, and in whatever reads old messages again."""
