"""Python 3.10 reads every file that the package, its tools and its configs are made of, and the metadata says so."""

import ast
import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
OLDEST = (3, 10)


@pytest.mark.parametrize('folder', ['mmkd_ext', 'tools', 'configs', 'docs', 'tests'])
def test_the_oldest_python_reads_every_file(folder):
    files = [path for path in sorted((REPO / folder).rglob('*.py')) if '_build' not in path.parts and '.mim' not in path.parts]
    assert files
    for path in files:
        ast.parse(path.read_text(encoding='utf-8'), str(path), feature_version=OLDEST)


def test_what_the_oldest_python_cannot_read_would_be_found():
    with pytest.raises(SyntaxError):
        ast.parse('try:\n    pass\nexcept* ValueError:\n    pass\n', feature_version=OLDEST)


def test_the_metadata_and_the_linters_name_the_same_oldest_python():
    setup, project = ((REPO / name).read_text() for name in ('setup.py', 'pyproject.toml'))
    oldest = '.'.join(map(str, OLDEST))
    assert f"python_requires='>={oldest}'" in setup and f'python_version = "{oldest}"' in project
    assert f'target-version = "py{oldest.replace(".", "")}"' in project
    minors = re.search(r'for minor in \(([\d, ]+)\)\]', setup)
    assert minors is not None and min(map(int, minors[1].split(','))) == OLDEST[1]
