"""Reading the pages of `mmkd report` as a person does: the texts of a section, cell by cell."""

from html.parser import HTMLParser


class _Texts(HTMLParser):
    """The text of each section by its id; cells are parted by ` | `, rows by line breaks."""

    def __init__(self):
        super().__init__()
        self.sections, self.inside, self.pictures = {}, None, []

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag == 'section':
            self.inside = known.get('id')
            self.sections.setdefault(self.inside, [])
        if tag == 'img':
            self.pictures.append((self.inside, known['src'], known.get('alt')))

    def handle_endtag(self, tag):
        if self.inside is not None:
            self.sections[self.inside].append({'td': ' | ', 'th': ' | ', 'tr': '\n', 'p': '\n', 'li': '\n'}.get(tag, ''))
        if tag == 'section':
            self.inside = None

    def handle_data(self, data):
        if self.inside is not None:
            self.sections[self.inside].append(' '.join(data.split()))


def read(page):
    parser = _Texts()
    parser.feed(page)
    return parser


def texts_of(page: str, section: str) -> str:
    """What stands in a section, without its tags."""
    return ''.join(read(page).sections[section])


def pictures_of(page: str, section: str) -> list[str]:
    """The addresses of the pictures in a section."""
    return [src for where, src, _ in read(page).pictures if where == section]
