"""Who is logged in."""

import os
import pwd


def account() -> str:
    """The account that this process runs under, as the system knows it: no variable changes it."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
