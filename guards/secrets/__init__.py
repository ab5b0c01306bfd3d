"""Credentials in text: keys, tokens, passwords, private keys."""

from guards.secrets.guard import SecretsGuard

__all__ = ["SecretsGuard"]
