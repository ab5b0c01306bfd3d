"""The gateway: OpenAI's HTTP interface in front of ``requests`` and ``replies``."""
