"""The site's parts: the API is whole, no page repeats a table, links of included pages hold, and commands that fail fail the build."""

import re
import sys
from pathlib import Path

import pytest
from support.runs import REPO

DOCS = REPO / 'docs'
PAGES = {path: path.read_text(encoding='utf-8') for path in sorted(DOCS.rglob('*.md')) if '_build' not in path.parts}
INCLUDED = re.compile(r'^```\{include\} (\S+)\n(?::start-after: "(.+)"\n)?(?::end-before: "(.+)"\n)?```', re.M)

pytest.importorskip('sphinx', reason='of the extra docs')
pytest.importorskip('myst_parser', reason='of the extra docs')


@pytest.fixture
def parts(monkeypatch):
    """The site's own extensions, by name."""
    monkeypatch.syspath_prepend(str(DOCS / '_ext'))
    import complete_api
    import repository_links
    import run_commands

    return {'complete_api': complete_api, 'repository_links': repository_links, 'run_commands': run_commands}


def build(folder: Path, extensions: list[str], pages: dict[str, str]) -> tuple[int, str]:
    """Build a small site with warnings as errors; exit code and what was warned of."""
    from sphinx.cmd.build import build_main

    source = folder / 'docs'
    source.mkdir()
    (source / 'conf.py').write_text(f"extensions = {['myst_parser', *extensions]}\nexclude_patterns = ['_build']\n")
    for name, text in pages.items():
        (source / name).write_text(text)
    code = build_main(['-q', '-W', '--keep-going', '-w', str(folder / 'warnings'), '-b', 'html', str(source), str(source / '_build/html')])
    return code, (folder / 'warnings').read_text()


def test_the_index_of_the_api_names_every_package(parts):
    named = re.findall(r'^   (mmkd_ext[\w.]*)$', PAGES[DOCS / 'api/index.md'], re.M)
    assert sorted(named) == sorted(parts['complete_api'].rooms())


def test_what_the_api_lacks_fails_the_build_by_its_name(parts, tmp_path):
    code, warned = build(tmp_path, ['sphinx.ext.autosummary', 'complete_api'], {'index.md': '# None\n'})
    assert code != 0
    for name in ('losses', 'losses.kd_loss', 'losses.kd_loss.KDLoss', 'hooks.epoch_seed_hook.EpochSeedHook'):
        assert f'mmkd_ext.{name} is not in the API.' in warned
    modules = [path for path in (REPO / 'mmkd_ext').rglob('*.py') if '.mim' not in path.parts]
    assert warned.count('is not in the API.') == len(modules) + len(parts['complete_api'].registered())


def test_a_short_name_is_a_link_where_it_means_one_thing(parts):
    objects = {'a.b.KDLoss': 'class', 'a.c.Row': 'class', 'a.d.Row': 'class', 'a.b.kd_loss': 'function', 'a.b.size': 'function'}
    linked = parts['complete_api'].linked
    found = [linked(name, objects) for name in ('KDLoss', 'kd_loss()', 'b.KDLoss', 'c.Row')]
    assert found == ['a.b.KDLoss', 'a.b.kd_loss', 'a.b.KDLoss', 'a.c.Row']
    assert [linked(name, objects) for name in ('Row', 'size', 'Loss', "'auto:0.1'")] == [None] * 4


def test_pages_have_no_tables_of_their_own():
    assert len(PAGES) > 25
    assert [str(path) for path, text in PAGES.items() if re.search(r'^\s*\|', text, re.M)] == []


def test_every_table_file_is_included_whole_by_one_page_and_no_part_of_the_readme_twice():
    found = [((path.parent / name).resolve(), start, end) for path, text in PAGES.items() for name, start, end in INCLUDED.findall(text)]
    whole = [file for file, start, end in found if not start and not end]
    assert sorted(file for file in whole if 'configs' in file.parts) == sorted((REPO / 'configs').rglob('README.md'))
    assert len(whole) == len(set(whole))
    readme = (REPO / 'README.md').read_text(encoding='utf-8')
    spans = []
    for file, start, end in found:
        if file == REPO / 'README.md':
            begin = readme.index(start) if start else 0
            spans.append((begin, readme.index(end, begin)))
    spans.sort()
    assert len(spans) > 5 and all(before[1] <= after[0] for before, after in zip(spans, spans[1:], strict=False))
    assert sum(text.count('{include}') for text in PAGES.values()) == len(found)  # in a form that is read here


def test_links_of_an_included_page_lead_to_pages_of_the_site_or_to_files(parts):
    rewritten, known = parts['repository_links'].rewritten, parts['repository_links'].pages(DOCS)
    text = '[a](../custom/README.md) [b](results/cifar100_h200.json) [c](#top) [d](https://x.y) [e](../nd_loss#cifar-100) [f](no.py)'
    shown = rewritten(text, REPO / 'configs/teskd/README.md', DOCS / 'methods/teskd.md', known)
    assert shown == (
        '[a](../howto/own_data.md) [b](../../configs/teskd/results/cifar100_h200.json) [c](#top) [d](https://x.y) [e](nd.md#cifar-100) '
        '[f](no.py)')


def test_what_a_page_shows_has_no_folder_of_this_machine(parts):
    output = 'Could not import OneDL\nwrote /a/b/docs/_build/run/page/out.pth  \n[/a/b/docs/_build/run/page]\nread /a/b/configs/x.py\n'
    places = {'/a/b/': '', '/a/b/docs/_build/run/page/': '', '/a/b/docs/_build/run/page': '.'}
    assert parts['run_commands'].shown(output, places, None) == 'wrote out.pth\n[.]\nread configs/x.py'
    assert parts['run_commands'].shown(output, places, '^read|OneDL') == 'read configs/x.py'


PAGE = """# Page

```{{file}} words.txt
one
two
```

```{{run}}
:show: two|here
pwd | sed 's/.*page/here/'
cat words.txt
```

```{{run}}
:exit: 2
{command}
```
"""


def test_commands_of_a_page_run_in_its_folder_and_another_exit_code_fails_the_build(parts, tmp_path):
    for name, command in (('good', 'echo last; exit 2'), ('bad', 'echo its last words; exit 3')):
        (tmp_path / name).mkdir()
        code, warned = build(tmp_path / name, ['run_commands'], {'index.md': PAGE.format(command=command)})
        if name == 'good':
            shown = (tmp_path / 'good/docs/_build/html/index.html').read_text()
            assert code == 0 and warned == ''
            assert re.sub('<[^>]+>', '', shown).count('two') == 2  # in the file and in what was printed, where "one" is left out
            assert (tmp_path / 'good/docs/_build/run/index/words.txt').read_text() == 'one\ntwo\n'
        else:
            assert code != 0 and 'Exit code 2 is needed, got 3' in warned and 'its last words' in warned


def test_this_checkout_is_what_commands_run(parts, tmp_path):
    named = parts['run_commands'].environment(tmp_path)
    assert named['PATH'].split(':')[0] == str(tmp_path / 'docs/_build/bin') and named['PYTHONPATH'].split(':')[0] == str(tmp_path)
    assert sys.executable in (tmp_path / 'docs/_build/bin/mmkd').read_text()
