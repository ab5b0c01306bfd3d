"""What mkdocs calls: pages that lie outside `docs/`, and the links that lead there."""

from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from deploy.site.links import DOCS, FILES, PAGES, file_page, for_site, targets

_ROOT: Final = Path(__file__).parents[2]
_LANGUAGES: Final = {".yml": "yaml", ".yaml": "yaml", ".xml": "xml", ".sql": "sql", ".json": "json", ".py": "python"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's top, and the files that any page leads to."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=_text(name)))
    sources = [*PAGES, *(f"{DOCS}/{file.src_uri}" for file in files.documentation_pages() if file.src_dir)]
    wanted = {target for source in sources for target in targets(_text(source), source)}
    for path in sorted(wanted):
        if path not in PAGES and not path.startswith(f"{DOCS}/") and (_ROOT / path).is_file():
            language = _LANGUAGES.get(Path(path).suffix, "text")
            content = f"# {path}\n\n~~~~{language}\n{_text(path)}\n~~~~\n"
            files.append(File.generated(config, file_page(path), content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs' names
    """Turn the repository's links into the site's."""
    uri = page.file.src_uri
    if uri.startswith(f"{FILES}/"):
        return markdown
    source = {page: name for name, page in PAGES.items()}.get(uri, f"{DOCS}/{uri}")
    return for_site(markdown, source, uri, lambda path: (_ROOT / path).is_dir())


def _text(path: str) -> str:
    return (_ROOT / path).read_text(encoding="utf-8")
