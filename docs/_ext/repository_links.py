"""Links of the repository's own pages, where a page of the site includes them.

`configs/kd/README.md` says `[custom](../custom/README.md)`; on the site that is the page which includes the file. A link to any other
file, such as a config, hands out the file.
"""

import os
import re
from pathlib import Path

_LINK = re.compile(r'(?<=\]\()([^)\s#:]+)(?=(?:#[^)\s]*)?\))')  # no scheme, which has a colon
_WHOLE = re.compile(r'^```\{include\} (\S+)\n```', re.M)  # a file that a page includes as a whole


def pages(docs: Path) -> dict[Path, Path]:
    """Each file outside `docs` that a page includes as a whole -> that page; the README -> the front page."""
    found = {docs.parent / 'README.md': docs / 'index.md'}
    for page in docs.rglob('*.md'):
        for name in _WHOLE.findall(page.read_text(encoding='utf-8')):
            found[Path(os.path.normpath(page.parent / name))] = page
    return found


def rewritten(text: str, file: Path, page: Path, known: dict[Path, Path]) -> str:
    """The text of `file` with its links as they have to be in `page`."""

    def target(match: re.Match) -> str:
        path = Path(os.path.normpath(file.parent / match[1]))
        path = path / 'README.md' if path.is_dir() else path
        return os.path.relpath(known.get(path, path), page.parent) if path.exists() else match[1]

    return _LINK.sub(target, text)


def _included(app, relative_path, parent_docname, content):
    docs = Path(app.srcdir)
    page = Path(app.env.doc2path(app.env.docname))
    content[0] = rewritten(content[0], Path(os.path.normpath(docs / relative_path)), page, pages(docs))


def setup(app):
    """Connects it."""
    app.connect('include-read', _included)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
