"""The text between two markers of a README."""

import pytest

from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.readme_markers import write_between_markers


@pytest.mark.parametrize(
    'text',
    [
        'nothing',
        '<!-- a -->',
        '<!-- /a -->',
        '<!-- a --><!-- a --><!-- /a -->',
        '<!-- /a --> <!-- a -->',
        '<!-- a -- <!-- /a -->',
    ],
)
def test_markers_that_are_not_once_each_and_in_order_are_refused(tmp_path, text):
    readme = tmp_path / 'README.md'
    readme.write_text(text)
    with pytest.raises(PreflightError, match='marker'):
        write_between_markers(readme, 'a', 'new')
    assert readme.read_text() == text


@pytest.mark.parametrize('table', ['| a |\n|---|', r'\1 \g<0> $&'], ids=['table', 'like a pattern'])
def test_writing_between_markers_touches_only_what_is_between_them(tmp_path, table):
    readme = tmp_path / 'README.md'
    readme.write_text('x <!-- b --> y <!-- a -->z<!-- /a --> <!-- /b --> w')
    for _ in range(2):
        write_between_markers(readme, 'a', table)
        assert readme.read_text() == f'x <!-- b --> y <!-- a -->\n{table}\n<!-- /a --> <!-- /b --> w'
