"""Which interpreter the launchers start: the first that has torch, and the caller's word above all."""

import os
import shutil
from pathlib import Path

import pytest
from support.runs import REPO, one_error, run

LAUNCHERS = {'dist_train.sh': ('c.py', '1'), 'dist_test.sh': ('c.py', 'c.pth', '1'), 'slurm_train.sh': ('p', 'j', 'c.py')}


def interpreter(path: Path, torch: bool = True) -> Path:
    """A stand-in that answers whether it has torch, and else says who it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit {0 if torch else 1}\necho "$0"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def place(tmp_path):
    """A checkout without .venv, and a PATH on which there is no Python."""
    tools = tmp_path / 'checkout/tools'
    shutil.copytree(REPO / 'tools', tools, ignore=shutil.ignore_patterns('*.py', '__pycache__'))
    (tmp_path / 'bin').mkdir()
    for name in ('bash', 'dirname', 'sh'):
        (tmp_path / 'bin' / name).symlink_to(shutil.which(name))
    interpreter(tmp_path / 'bin/srun').write_text('#!/bin/sh\nwhile [ "$2" != -u ]; do shift; done\n"$@"\n')
    return tmp_path


def started(place: Path, launcher: str, **variables: str):
    variables = dict(PATH=str(place / 'bin'), VIRTUAL_ENV='', CONDA_PREFIX='', PYTHON='') | variables
    return run(place / 'checkout/tools' / launcher, *LAUNCHERS[launcher], cwd=place, **variables)


def chosen(place: Path, launcher: str, **variables: str) -> Path:
    ended = started(place, launcher, **variables)
    assert ended.returncode == 0, ended.stderr
    return Path(os.path.normpath(ended.stdout.strip()))


@pytest.mark.parametrize('launcher', LAUNCHERS)
def test_the_order_is_the_caller_s_word_the_environment_the_checkout_the_machine(place, launcher):
    on_path = interpreter(place / 'bin/python')
    assert chosen(place, launcher) == on_path
    on_path = interpreter(place / 'bin/python3')
    assert chosen(place, launcher) == on_path
    own = interpreter(place / 'checkout/.venv/bin/python')
    assert chosen(place, launcher) == own
    active = interpreter(place / 'an env/bin/python')
    assert chosen(place, launcher, CONDA_PREFIX=str(place / 'an env')) == active
    assert chosen(place, launcher, VIRTUAL_ENV=str(place / 'an env')) == active
    other = interpreter(place / 'other/python')
    assert chosen(place, launcher, VIRTUAL_ENV=str(place / 'an env'), PYTHON=str(other)) == other


@pytest.mark.parametrize('launcher', LAUNCHERS)
def test_one_without_torch_is_passed_over(place, launcher):
    interpreter(place / 'base/bin/python', torch=False)
    own = interpreter(place / 'checkout/.venv/bin/python')
    assert chosen(place, launcher, CONDA_PREFIX=str(place / 'base')) == own


@pytest.mark.parametrize('launcher', LAUNCHERS)
def test_none_with_torch_is_one_sentence(place, launcher):
    interpreter(place / 'bin/python3', torch=False)
    ended = started(place, launcher)
    assert ended.returncode == 2 and not ended.stdout
    assert 'A Python with torch is needed' in one_error(ended.stderr) and 'python3' in ended.stderr
    # the caller's word is not replaced by another's
    interpreter(place / 'checkout/.venv/bin/python')
    ended = started(place, launcher, PYTHON='absent')
    assert ended.returncode == 2 and 'got none of: absent.' in one_error(ended.stderr)
