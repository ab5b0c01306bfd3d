"""Text of others on a terminal of ours."""


def printable(text: str) -> str:
    """The text with what a terminal might obey, and what UTF-8 cannot hold, as escapes."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in text
    )


def excerpt(text: str, most: int) -> str:
    """The beginning of the text on one line of ``most`` characters."""
    line = " ".join(printable(text[: 8 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"
