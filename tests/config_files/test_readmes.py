"""What the documents name exists, and what they count is well-formed."""

import re
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.runs import REPO

import mmkd_ext
from mmkd_ext.benchmark.steps import deployed_size
from mmkd_ext.config.load_config import load_config
from mmkd_ext.models.build import build_model, input_shape
from mmkd_ext.registry import DATASETS, HOOKS, METRICS, MODELS, OPTIM_WRAPPERS

DOCUMENTS = [
    path
    for path in (
        *(REPO / f'{name}.md' for name in ('README', 'CONTRIBUTING', 'CHANGELOG')),
        REPO / 'configs/README.md',
        *REPO.glob('configs/*/README.md'),
    )
]
METAFILES = sorted(REPO.glob('configs/*/metafile.yml'))
# folders whose every config is parsed and built by a test beside this one, as are those of COCO by test_coco_detectors
BUILT = {'nd_loss', 'kd', 'dkd', 'dist', 'reviewkd', 'dskd', 'teskd', 'mutual', 'nd_loss_det'}
OUTPUTS = {'student.py', 'adapters.txt', 'my_kd.py'}  # what a command of a README writes
FOLDERS = ('mmkd_ext', 'tools', 'configs', 'tests')
# Marked tables without numbers, each with its reason; a filled one has to be taken out.
NOT_MEASURED_YET: set[tuple[str, str]] = set()
NUMBER = re.compile(r'\d+(\.\d+)?')
each_document = pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: str(path.relative_to(REPO)))


def known_names() -> set[str]:
    """Of the files that the repository holds."""
    found = {path.name for folder in FOLDERS for path in (REPO / folder).rglob('*') if path.is_file()}
    return found | {path.name for path in REPO.iterdir()}


@each_document
def test_every_path_that_a_document_names_exists(path):
    text = path.read_text(encoding='utf-8')
    paths = set(re.findall(rf'(?<![\w/.-])((?:{"|".join(FOLDERS)})/[\w./-]*\w/?)(?![\w<*])', text))
    placeholders = {name for name in paths if f'{name}/<' in text or f'{name}<' in text or '/<' in name}
    assert [name for name in sorted(paths - placeholders) if not (REPO / name).exists()] == []
    links = [link.split('#')[0] for link in re.findall(r'\]\(([^)]+)\)', text) if not re.match(r'https?://|#', link)]
    assert [link for link in links if not (path.parent / link).exists()] == []


@each_document
def test_every_file_name_in_a_document_is_one_of_the_repository(path):
    text = re.sub(r'https?://\S+|work_dirs/\S+|data/\S+', '', path.read_text(encoding='utf-8'))
    names = set(re.findall(r'(?<![\w<>/-])(\w[\w-]*\.(?:py|sh|yml|toml|txt))\b', text))
    assert sorted(names - known_names() - OUTPUTS) == []


@each_document
def test_every_type_in_a_document_is_registered(path):
    text = path.read_text(encoding='utf-8')
    types = set(re.findall(r'\bmmkd_ext\.([A-Z]\w+)', text)) - set(re.findall(r'^class (\w+)', text, re.M))  # of its own examples
    registries = (MODELS, HOOKS, DATASETS, METRICS, OPTIM_WRAPPERS)
    assert [name for name in sorted(types) if all(r.get(f'mmkd_ext.{name}') is None for r in registries)] == []


@each_document
def test_every_flag_of_a_command_is_one_of_its_tool(path):
    text = path.read_text(encoding='utf-8').replace('\\\n', ' ')
    shared = (REPO / 'mmkd_ext/running/launch.py').read_text()
    for tool, rest in re.findall(r'(tools/[\w.]+\.(?:py|sh))([^\n`]*)', text):
        name = {'dist_train.sh': 'train.py', 'dist_test.sh': 'test.py'}.get(Path(tool).name, Path(tool).name)
        place = REPO / 'mmkd_ext/commands' / name
        source = (place if place.exists() else REPO / 'tools' / name).read_text() + (shared if name in ('train.py', 'test.py') else '')
        for flag in re.findall(r'(?<!\S)(--[\w-]+)', rest.split('#')[0]):
            assert f"'{flag}'" in source, f'{tool} {flag}'


@each_document
def test_every_make_target_of_a_document_is_in_the_makefile(path):
    targets = re.findall(r'^([\w-]+):', (REPO / 'Makefile').read_text(), re.M)
    text = path.read_text(encoding='utf-8')
    named = {t for words in re.findall(r'(?:`|^)make ([a-z][\w -]*)', text, re.M) for t in words.strip().split()}
    assert sorted(named - set(targets)) == []


def marked(text: str, name: str) -> str:
    """What stands between two markers."""
    return text.split(f'<!-- {name} -->')[1].split(f'<!-- /{name} -->')[0]


def tables(text: str) -> list[list[list[str]]]:
    """Cells of the rows of each Markdown table."""
    found: list[list[list[str]]] = []
    last = -2
    for number, line in enumerate(text.splitlines()):
        if line.startswith('|'):
            if number != last + 1:
                found.append([])
            found[-1].append([cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]])
            last = number
    return found


@each_document
def test_every_table_has_as_many_cells_in_each_row_as_in_its_head(path):
    for rows in tables(path.read_text(encoding='utf-8')):
        assert len(rows) > 2 and {len(row) for row in rows} == {len(rows[0])}, rows[0]
        assert all(re.fullmatch(r':?-+:?', cell) for cell in rows[1])


@each_document
def test_measured_tables_have_a_command_numbers_and_deviations(path):
    """Between `<!-- NAME -->` and `<!-- /NAME -->`, where something has to stand."""
    text = path.read_text(encoding='utf-8')
    names = re.findall(r'<!-- (/?\w+) -->', text)
    assert names == [half for name in names[::2] for half in (name, f'/{name}')]
    for name in names[::2]:
        content = marked(text, name).strip()
        known = (str(path.relative_to(REPO)), name) in NOT_MEASURED_YET
        assert bool(content) != known, f'{path} {name}: ' + ('take it out of NOT_MEASURED_YET' if content else 'empty')
        if not content or not name.startswith('study_'):
            assert known or '```' in content or tables(content), f'{path} {name} needs a table or what was printed'
            continue
        study = path.parent / f'{name}.py'
        assert f'python tools/study.py {study.relative_to(REPO)}' in content
        (head, _, *rows), *differences = tables(content)
        plan = Config.fromfile(study).study
        assert {row[0] for row in rows} == set(plan.variants) and len(differences) == bool(plan.get('differences'))
        asked = {name: [each] if isinstance(each, str) else each for name, each in plan.get('differences', {}).items()}
        pairs = {f'{name} - {baseline}' for name, baselines in asked.items() for baseline in baselines}
        assert {row[0].split(': ')[0] for table in differences for row in table[2:]} == pairs
        for row in rows:
            seeds = int(row[head.index('seeds')])
            for cell in (cell for title, cell in zip(head, row, strict=True) if title.endswith(' epoch')):
                number = NUMBER.pattern
                assert re.fullmatch(rf'{number} ± {number}' if seeds > 1 else rf'{number}( ± 0\.00)?', cell), cell
                assert 0 <= float(NUMBER.match(cell)[0]) <= 100


def test_the_table_of_teskd_names_every_config_and_no_other():
    text = (REPO / 'configs/teskd/README.md').read_text(encoding='utf-8')
    (results,) = [rows for rows in tables(text) if rows[0][0] == 'config']
    named = [name for row in results[2:] for name in re.split(r',\s*', row[0])]
    named += re.findall(r'`(\w+)\.py`', text)
    there = {path.stem for path in (REPO / 'configs/teskd').glob('*.py') if not path.stem.startswith('study_')}
    assert {name for name in named if not name.startswith('study_')} == there
    papers = {row[0]: row[1:3] for row in results[2:]}
    assert papers['r18_cifar100'] == ['74.41', '79.15'] and papers['r18_imagenet'] == ['69.71', '71.14']
    assert all(
        not NUMBER.search(' '.join(cells))
        for name, cells in papers.items()
        if name not in ('r18_cifar100', 'r18_imagenet')
    )


@pytest.mark.parametrize('path', METAFILES, ids=lambda path: path.parent.name)
def test_a_metafile_names_configs_that_exist_in_collections_that_it_defines(path):
    meta = yaml.safe_load(path.read_text())
    collections = {collection['Name']: collection for collection in meta['Collections']}
    names = [model['Name'] for model in meta['Models']]
    assert len(set(names)) == len(names) > 0
    for model in meta['Models']:
        config = REPO / model['Config']
        assert config.is_file() and config.parent == path.parent and model['In Collection'] in collections
        assert config.stem in model['Name']
        if path.parent.name not in BUILT and '_coco_' not in config.stem:
            Config.fromfile(config)
    for collection in collections.values():
        assert (REPO / collection['README']).is_file() and (REPO / collection['Code']['URL']).is_file()
        assert collection['Code']['Version'] == mmkd_ext.__version__
    unlisted = {path.stem for path in path.parent.glob('*.py')} - {Path(m['Config']).stem for m in meta['Models']}
    unlisted = {name for name in unlisted if not name.startswith('study_')}
    assert {name for name in unlisted if name.endswith(('_cifar100', '_imagenet'))} == set()


SOURCE = re.compile(r': (?P<value>\d+\.\d\d)  # last epoch, mean of seeds 0 to (?P<last>\d) \((?P<readme>\S+), (?P<study>study_\w+)\)$')


@pytest.mark.parametrize('path', METAFILES, ids=lambda path: path.parent.name)
def test_a_result_is_of_this_code_only_in_the_table_of_the_study_that_it_names(path):
    for entry in path.read_text().split('  - Name: ')[1:]:
        if 'Results:' not in entry:
            continue
        (found,) = re.finditer(SOURCE.pattern, entry.split('Metrics:\n')[1], re.M)
        readme = (path.parent if found['readme'] == 'README.md' else REPO) / found['readme']
        study = next((readme.parent).glob(f'{found["study"]}.py'))
        rows = tables(marked(readme.read_text(encoding='utf-8'), found['study']))[0]
        variants, config = Config.fromfile(study).study, re.search('Config: (.*)', entry)[1]
        named = {name for name, each in variants.variants.items() if each.get('config', variants.get('config')) == config}
        seeds = str(int(found['last']) + 1)
        assert any(row[0] in named and row[1].split(' ± ')[0] == found['value'] and seeds in row for row in rows[2:]), entry


@pytest.mark.parametrize('name', ['r18_digits', 'r18_fashion_mnist', 'se_r18_cifar100', 'timm_regnety_004_imagenet'])
def test_the_metafile_of_teskd_says_what_is_deployed(name):
    meta = yaml.safe_load((REPO / 'configs/teskd/metafile.yml').read_text())
    (said,) = [model['Metadata'] for model in meta['Models'] if model['Name'] == f'teskd_{name}']
    cfg = Config.fromfile(REPO / f'configs/teskd/{name}.py')
    # of the training model in eval mode, where the metafile was written from the plain one
    assert (said['Parameters'], said['FLOPs']) == deployed_size(build_model(cfg), input_shape(cfg))


def test_the_metafile_of_teskd_has_sizes_of_every_config_and_those_that_are_known():
    meta = yaml.safe_load((REPO / 'configs/teskd/metafile.yml').read_text())
    sizes = {model['Name']: (model['Metadata']['Parameters'], model['Metadata']['FLOPs']) for model in meta['Models']}
    configs = {path.stem for path in (REPO / 'configs/teskd').glob('*.py') if not path.stem.startswith('study_')}
    assert set(sizes) == {f'teskd_{name}' for name in configs}
    # as everybody counts the ImageNet ResNet-18
    assert sizes['teskd_r18_imagenet'][0] == 11_689_512 and round(sizes['teskd_r18_imagenet'][1] / 1e9, 2) == 1.81


def test_the_model_index_imports_every_metafile():
    index = yaml.safe_load((REPO / 'model-index.yml').read_text())
    assert sorted(index['Import']) == sorted(str(path.relative_to(REPO)) for path in METAFILES) != []


def test_the_changelog_has_this_version_and_the_readme_every_method_of_the_configs():
    assert re.search(rf'^## {re.escape(mmkd_ext.__version__)}\b', (REPO / 'CHANGELOG.md').read_text(), re.M)
    readme = (REPO / 'README.md').read_text(encoding='utf-8')
    methods = [path.name for path in (REPO / 'configs').iterdir() if path.is_dir() and path.name != '_base_']
    assert [name for name in methods if f'configs/{name}/README.md' not in readme] == []


def test_the_map_of_the_code_has_every_module_of_the_package():
    readme = (REPO / 'README.md').read_text(encoding='utf-8')
    code = readme.split('## Map of the code')[1].split('```')[1]
    modules = [path.name for path in (REPO / 'mmkd_ext').glob('*.py') if path.name != '__init__.py']
    tools = [path.stem for path in (REPO / 'tools').iterdir() if path.is_file() and path.stem != 'dist_launch']
    assert [name for name in modules + tools if not re.search(rf'\b{name}\b', code)] == []
    folders = [path.name for path in (REPO / 'mmkd_ext').iterdir() if (path / '__init__.py').is_file()]
    assert [name for name in folders if f'{name}/' not in code] == []


def test_the_plain_pytorch_of_the_readme_runs():
    readme = (REPO / 'README.md').read_text(encoding='utf-8')
    code = readme.split('<!-- plain-pytorch -->')[1].split('```python\n')[1].split('```')[0]
    names: dict = {}
    exec(compile(code, 'README.md', 'exec'), names)
    assert names['loss'].isfinite() and names['student'].grad.abs().sum() > 0 and names['embedding'].grad.abs().sum() > 0


def test_the_ten_lines_of_the_readme_build(tmp_path):
    readme = (REPO / 'README.md').read_text(encoding='utf-8')
    code = next(block for block in readme.split('```python\n')[1:] if block.startswith('# my_kd.py')).split('```')[0]
    assert len(code.strip().splitlines()) <= 10
    random = "dict(model='torchvision/resnet34', allow_random=True, checkpoint=None)"
    (tmp_path / 'my_kd.py').write_text(code.replace("'torchvision/resnet34'", random))
    cfg = load_config(str(tmp_path / 'my_kd.py'))
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})
    assert model.teachers['teacher'].name == 'torchvision/resnet34' and set(model.distill) == {'kd'}


def test_the_first_screen_has_what_the_tables_of_the_studies_have():
    readme = (REPO / 'README.md').read_text(encoding='utf-8')
    ((head, _, *rows),) = tables(marked(readme, 'first_screen'))
    assert head[-1] == 'study' and len(rows) > 10 and readme.index('<!-- first_screen -->') < 1500
    for row in rows:
        folder, name = row[-1].removesuffix('.py').split('/')
        means, differences = tables(marked((REPO / f'configs/{folder}/README.md').read_text(encoding='utf-8'), name))
        of = {cells[0]: cells[1].split(' ± ')[0] for cells in means[2:]}
        (baseline, theirs), (ours, mean) = (cell.rsplit(': ', 1) for cell in row[3:5])
        assert (of[baseline], of[ours]) == (theirs, mean), row
        (difference,) = (cells for cells in differences[2:] if cells[0] == f'{ours} - {baseline}')
        assert row[5:7] == [f'{difference[1]} ({difference[2]})', difference[4]], row
