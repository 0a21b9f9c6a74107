"""Each config is a page: three files deep at most, bases only in `_base_`, with its command; the map names what exists."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config
from support.losses_beside import BESIDE
from support.runs import REPO

CONFIGS = REPO / 'configs'
FILES = sorted(CONFIGS.rglob('*.py'))
PAGES = [path for path in FILES if '_base_' not in path.relative_to(CONFIGS).parts]
METHODS = sorted({path.parent for path in PAGES})


def entries(path: Path) -> list[str]:
    """What a file names in `_base_`."""
    for node in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '_base_':
            value = ast.literal_eval(node.value)
            return [value] if isinstance(value, str) else value
    return []


def depth(path: Path) -> int:
    """Files from this one down to the last base; one of mmpretrain or mmdet counts as one."""
    return 1 + max((1 if '::' in each else depth(path.parent / each) for each in entries(path)), default=0)


def test_the_depth_of_a_chain_is_its_number_of_files(tmp_path):
    for name, base in (('a', ['b.py']), ('b', ['c.py', 'd.py']), ('c', []), ('d', ['mmdet::x.py'])):
        (tmp_path / f'{name}.py').write_text(f'_base_ = {base}\n')
    assert [depth(tmp_path / f'{name}.py') for name in 'abcd'] == [4, 3, 1, 2]


def test_no_config_is_more_than_three_files_deep():
    assert len(PAGES) > 200
    assert {str(path.relative_to(REPO)): depth(path) for path in FILES if depth(path) > 3} == {}


def test_every_base_lies_in_a_folder_of_bases():
    wrong = [
        (str(path.relative_to(REPO)), each)
        for path in FILES
        for each in entries(path)
        if '::' not in each and '_base_' not in (path.parent / each).resolve(strict=True).relative_to(CONFIGS).parts]
    assert wrong == []


def test_every_base_is_used():
    used = {(path.parent / each).resolve() for path in FILES for each in entries(path) if '::' not in each}
    text = '\n'.join(path.read_text(encoding='utf-8') for path in PAGES)  # networks that a page names as peers
    unused = [path for path in set(FILES) - set(PAGES) - used if f'_base_/models/{path.name}' not in text]
    assert unused == []


def test_no_two_pages_share_a_work_dir():
    stems = [path.stem for path in PAGES if not path.stem.startswith('study_')]
    assert sorted({stem for stem in stems if stems.count(stem) > 1}) == []


@pytest.mark.parametrize('path', PAGES, ids=lambda path: f'{path.parent.name}-{path.stem}')
def test_a_page_says_what_it_is_and_the_command_that_runs_it(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''
    tool = r'tools/study\.py' if path.stem.startswith('study_') else r'tools/(train\.py|dist_train\.sh)'
    assert re.search(rf'{tool} {path.relative_to(REPO)}\b', text), text
    assert len(text.splitlines()[0]) > 10
    named = re.findall(r'(?:tools|configs)/[\w/]+\.(?:py|sh)', text)
    assert [name for name in named if not (REPO / name).is_file()] == []


@pytest.mark.parametrize('folder', METHODS, ids=lambda folder: folder.name)
def test_a_method_has_a_readme_that_names_each_page_and_a_metafile_of_them(folder):
    readme = (folder / 'README.md').read_text(encoding='utf-8')
    pages = {path.stem for path in PAGES if path.parent == folder}
    assert [stem for stem in sorted(pages) if not re.search(rf'\b{stem}\b', readme)] == []
    listed = {Path(model['Config']).stem for model in yaml.safe_load((folder / 'metafile.yml').read_text())['Models']}
    assert listed <= pages


def test_the_map_names_every_method_and_only_what_exists():
    text = (CONFIGS / 'README.md').read_text(encoding='utf-8')
    assert [name for name in re.findall(r'\[(configs/[\w/.]+)\]', text) if not (REPO / name).exists()] == []
    assert [folder.name for folder in METHODS if f'configs/{folder.name}' not in text] == []
    bases = {path.name for path in (CONFIGS / '_base_').iterdir() if path.is_dir() and path.name != '__pycache__'}
    assert [name for name in bases if f'`{name}/`' not in text] == []


@pytest.mark.parametrize('method', ['kd', 'dkd', 'dist', 'reviewkd'])
def test_a_plain_form_differs_from_its_nd_form_in_the_pair_s_losses_alone(method):
    """The two stand in different folders, and share data, schedule and networks."""
    others = {'study_cifar100', *BESIDE}
    pages = [path for path in PAGES if path.parent.name == method and path.stem.endswith('_cifar100') and path.stem not in others]
    assert len(pages) == 6
    for path in pages:
        plain = Config.fromfile(path)
        plus = Config.fromfile(CONFIGS / 'nd_loss' / path.name.replace(f'{method}_', f'{method}pp_', 1))
        rest = [{k: v for k, v in cfg.to_dict().items() if k not in ('model', 'custom_hooks')} for cfg in (plain, plus)]
        assert rest[0] == rest[1] and plain.model.teacher == plus.model.teacher
        assert plain.model.student.backbone == plus.model.student.backbone
