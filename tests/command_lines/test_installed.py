"""The wheel in an environment of its own, from an empty folder: mmkd trains, tests and exports a config that lies in the package."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from support.runs import REPO

pytestmark = pytest.mark.slow
SMALL = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1', 'randomness.seed=0', 'default_hooks.checkpoint.interval=1']
SMALL += [f'{part}_dataloader.num_workers=0' for part in ('train', 'val', 'test')]


def called(*words: object, cwd: Path, fails: bool = False) -> str:
    """What a command printed; without what this process was told to import."""
    variables = {'PATH': '/usr/bin:/bin', 'OMP_NUM_THREADS': '1', 'HOME': str(cwd)}
    ended = subprocess.run([str(word) for word in words], cwd=cwd, env=variables, capture_output=True, text=True, timeout=240)
    assert bool(ended.returncode) == fails, ended.stdout + ended.stderr
    return ended.stderr if fails else ended.stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Built from a copy, since setuptools leaves a folder build/ in the checkout, without a network."""
    source, out = tmp_path_factory.mktemp('source') / 'checkout', tmp_path_factory.mktemp('wheel')
    source.mkdir()
    for name in ('mmkd_ext', 'configs', 'tools'):
        shutil.copytree(REPO / name, source / name, symlinks=True, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE', 'model-index.yml', 'constraints.txt'):
        shutil.copy(REPO / name, source)
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check']
    called(*pip, 'wheel', '.', '--no-deps', '--no-build-isolation', '--no-index', '-w', out, cwd=source)
    return next(out.glob('mmkd_ext-*.whl'))


@pytest.fixture(scope='module')
def bin(wheel, tmp_path_factory):
    """The commands of an environment that has the wheel and sees this one's other packages."""
    folder = tmp_path_factory.mktemp('environment')
    called(sys.executable, '-m', 'venv', '--without-pip', folder, cwd=folder)
    python = folder / 'bin/python'
    (place,) = folder.glob('lib/python*/site-packages')
    # a path in a .pth file: that folder's own .pth files, with the editable install, are not read
    (place / 'others.pth').write_text(sysconfig.get_path('purelib') + '\n')
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--python', python]
    called(*pip, 'install', '--no-deps', '--no-index', '--ignore-installed', wheel, cwd=folder)
    return folder / 'bin'


def test_the_wheel_holds_the_configs_as_files_and_nothing_of_the_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    files = [path for path in (REPO / 'configs').rglob('*') if path.is_file() and '__pycache__' not in path.parts]
    ours = {path.relative_to(REPO / 'configs').as_posix() for path in files}
    assert {name.partition('.mim/configs/')[2] for name in names} - {''} == ours
    assert 'mmkd_ext/report/page.html' in names
    assert {'mmkd_ext/.mim/model-index.yml', 'mmkd_ext/.mim/tools/train.py', 'mmkd_ext/.mim/tools/dist_train.sh'} <= set(names)
    assert {name.partition('/')[0] for name in names} == {'mmkd_ext', next(n for n in names if n.endswith('/METADATA')).partition('/')[0]}
    assert not [name for name in names if name.endswith('.pyc') or 'results.json' in name]
    metadata = zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith('/METADATA'))).decode()
    assert [f'Programming Language :: Python :: 3.{minor}' in metadata for minor in (10, 11, 12)] == [True] * 3


def test_a_digits_config_trains_tests_and_exports_from_an_empty_folder(bin, tmp_path):
    config, run = 'mmkd_ext::teskd/r18_digits.py', tmp_path / 'work_dirs/r18_digits'
    where = called(bin / 'python', '-c', 'import mmkd_ext; print(mmkd_ext.__file__)', cwd=tmp_path)
    assert Path(where).is_relative_to(bin.parent)  # and not the checkout
    called(bin / 'mmkd', 'train', config, '--cfg-options', *SMALL, cwd=tmp_path)
    # the others in one process, since each imports for seconds
    code = f"""
from mmkd_ext.commands.mmkd import main
assert main(['test', '{config}', '{run}/epoch_1.pth']) == 0
assert main(['export', '{config}', '{run}/epoch_1.pth', 'out/student.pth']) == 0
import mmpretrain
print(type(mmpretrain.get_model('out/student.py', pretrained='out/student.pth')).__name__)
"""
    said = called(bin / 'python', '-c', code, cwd=tmp_path)
    assert 'accuracy/top1' in said and 'student.py' in said and said.splitlines()[-1] == 'ImageClassifier'


def test_the_hub_a_base_and_the_tools_in_the_package_find_the_configs(bin, tmp_path):
    (mim,) = bin.parent.glob('lib/python*/site-packages/mmkd_ext/.mim')
    (tmp_path / 'mine.py').write_text("_base_ = 'mmkd_ext::teskd/r18_digits.py'\ntrain_cfg = dict(max_epochs=1, val_interval=1)\n")
    code = f"""
import mmkd_ext, mmengine.hub as hub
print('config:', hub.get_config('mmkd_ext::teskd/r18_cifar100.py').filename)
from mmengine import Config
from mmengine.runner import Runner
cfg = Config.fromfile('mine.py')
cfg.work_dir = 'r'
cfg.merge_from_dict({ {key: int(value) for key, value in (each.split('=') for each in SMALL)} })
Runner.from_cfg(cfg).train()
import runpy, sys
sys.argv = ['train.py', 'mine.py', '--work-dir', 'w', '--cfg-options', *{SMALL}]
runpy.run_path('{mim}/tools/train.py', run_name='__main__')
"""
    said = called(bin / 'python', '-c', code, cwd=tmp_path)
    assert Path(said.split('config: ')[1].splitlines()[0]).is_relative_to(bin.parent)
    assert (tmp_path / 'r/epoch_1.pth').is_file() and (tmp_path / 'w/epoch_1.pth').is_file()


def test_mmkd_alone_and_a_wrong_word_are_one_text(bin, tmp_path):
    assert called(bin / 'mmkd', cwd=tmp_path).startswith('usage: mmkd COMMAND')
    (line,) = called(bin / 'mmkd', 'tarin', cwd=tmp_path, fails=True).splitlines()
    assert line.endswith('Did you mean mmkd train?')
