"""Links of the repository as links of the site."""

import posixpath
import re
from collections.abc import Callable
from typing import Final

PAGES: Final = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "README.md": "start.md",
}
"""Pages of the top of the repository, by their names on the site."""
DOCS: Final = "docs"
FILES: Final = "files"
"""Where the site has files that pages lead to and that are no pages."""
_LINK: Final = re.compile(r"(!?\[[^\]]*\])\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")
_FENCE: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def targets(text: str, source: str) -> tuple[str, ...]:
    """What a page links to, by paths from the top of the repository; ``source`` is its own."""
    found = (_target(match, source) for part in _FENCE.split(text)[::2] for match in _LINK.finditer(part))
    return tuple(dict.fromkeys(found))


def for_site(text: str, source: str, page: str, is_folder: Callable[[str], bool]) -> str:
    """The page ``page`` of the site, made from the file ``source``.

    A file that is no page has a page of its own there (``file_page``); of a link to a folder its words are left.
    """

    def link(match: re.Match[str]) -> str:
        target = _target(match, source)
        if is_folder(target):
            return match[1].strip("![]")
        place = PAGES.get(target) or (
            target.removeprefix(f"{DOCS}/") if target.startswith(f"{DOCS}/") else file_page(target)
        )
        return f"{match[1]}({posixpath.relpath(place, posixpath.dirname(page) or '.')}{match[3] or ''})"

    parts = _FENCE.split(text)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)


def file_page(path: str) -> str:
    """The site's page for a file that is none."""
    return f"{FILES}/{path}.md"


def _target(match: re.Match[str], source: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
