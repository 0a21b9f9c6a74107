"""Every example in a docstring gives what it says, and every public class and function has one."""

import doctest
import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest
from mmengine.logging import MMLogger

from mmkd_ext import registry

REPO = Path(__file__).resolve().parents[1]
MODULES = {'.'.join(path.relative_to(REPO).with_suffix('').parts): path for path in sorted((REPO / 'mmkd_ext').rglob('*.py'))}
WITH_EXAMPLES = [name for name, path in MODULES.items() if '>>> ' in path.read_text(encoding='utf-8')]
WITH_OPS = importlib.util.find_spec('mmcv._ext') is not None
DETECTION = [name for name, path in MODULES.items() if re.search(r'^(from|import) mmdet|mmdet::', path.read_text(encoding='utf-8'), re.M)]
WITH_MMSEG = importlib.util.find_spec('mmseg') is not None
SEGMENTATION = [name for name, path in MODULES.items() if re.search(r'^(from|import) mmseg', path.read_text(encoding='utf-8'), re.M)]
REGISTRIES = ('MODELS', 'HOOKS', 'DATASETS', 'FUNCTIONS', 'METRICS', 'OPTIM_WRAPPERS')
# What users call besides what is registered and what a package's `__all__` names.
CALLED = (
    'mmkd_ext.checkpoints.checkpoint_files.read_checkpoint', 'mmkd_ext.class_means.compute.compute_class_means',
    'mmkd_ext.config.load_config.load_config', 'mmkd_ext.evaluation.study_table.paired_difference',
    'mmkd_ext.export.export_student.export_student', 'mmkd_ext.models.build.build_model', 'mmkd_ext.models.plain_config.plain_model')


def examples_of(name):
    if name in DETECTION and not WITH_OPS:
        pytest.skip('needs mmcv with ops')
    if name in SEGMENTATION and not WITH_MMSEG:
        pytest.skip('needs mmseg')
    for package in ('mmpretrain', 'mmdet') if name in DETECTION else ():
        importlib.import_module(f'{package}.datasets')  # which prints when it is first imported
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(importlib.import_module(name), name) if test.examples]


@pytest.mark.usefixtures('yapf')
@pytest.mark.parametrize('name', WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    MMLogger.get_instance('examples', log_level='ERROR')  # what is logged is no part of an example
    tests = examples_of(name)
    assert tests
    for test in tests:
        assert any(example.want for example in test.examples), f'the example of {test.name} shows nothing'
        said: list[str] = []
        doctest.DocTestRunner(verbose=False).run(test, out=said.append)
        assert not said, ''.join(said)


def public():
    """Name -> object of all that users name in a config or call."""
    absent = {*(() if WITH_OPS else DETECTION), *(() if WITH_MMSEG else SEGMENTATION)}
    modules = [importlib.import_module(name.removesuffix('.__init__')) for name in MODULES if name not in absent]
    found = [getattr(module, each) for module in modules for each in getattr(module, '__all__', ())]
    found += [each for kind in REGISTRIES for each in getattr(registry, kind).module_dict.values()]
    for name in CALLED:
        module, _, function = name.rpartition('.')
        found.append(getattr(importlib.import_module(module), function))
    named = {f'{each.__module__}.{each.__name__}': each for each in found if each.__module__.startswith('mmkd_ext.')}
    # an example may register a class of its own, which its module does not have
    return {name: each for name, each in named.items() if getattr(sys.modules[each.__module__], each.__name__, None) is each}


def test_every_public_class_and_function_has_an_example():
    found = public()
    assert len(found) > 60
    without = [name for name, each in found.items() if '>>> ' not in (each.__doc__ or '')]
    assert without == []


@pytest.mark.parametrize('folder', ['mmkd_ext', 'tools', 'configs', 'README.md', 'CONTRIBUTING.md'])
def test_packages_are_called_by_their_names(folder):
    """Four packages are meant where a text says "the host"."""
    place = REPO / folder
    files = [place] if place.is_file() else [path for path in place.rglob('*') if path.suffix in ('.py', '.md', '.sh', '.yml')]
    assert files
    assert [path for path in files if re.search(r"\bhosts?\b(?!name)", path.read_text(encoding='utf-8'), re.I)] == []
