"""The Python client: an application's end of ``requests`` and ``replies``. Applications import it as ``weir``."""
