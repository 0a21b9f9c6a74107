"""Tiny real runs for the tests of the command lines: a config in a folder, a command, and the losses that it logged."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from mmkd_ext.commands import train

from .copies import in_copy

REPO = Path(__file__).resolve().parents[2]

_CONFIG = """
_base_ = ['{repo}/configs/_base_/default_runtime.py', '{repo}/configs/_base_/datasets/digits.py']
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, out_indices=(3, )),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=32, loss=dict(type='CrossEntropyLoss')))
train_dataloader = dict(batch_size=32, dataset=dict(size=8, samples_per_class=16, pipeline=[
    dict(type='RandomCrop', crop_size=8, padding=1),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs')]))
val_dataloader = dict(dataset=dict(size=8, indices=64))
test_dataloader = dict(dataset=dict(size=8, indices=64))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
param_scheduler = dict(type='MultiStepLR', milestones=[2], by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=3, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=1))
log_processor = dict(window_size=1)  # the raw loss of every iteration
randomness = dict(seed=3)
"""

# Merged into it: the same backbone with TESKD, one epoch.
TESKD = """
model = dict(
    backbone=dict(out_indices=(0, 1, 2, 3)),
    neck=dict(_delete_=True, type='mmkd_ext.TESKDNeck', in_channels=(4, 8, 16, 32)),
    head=dict(_delete_=True, type='mmkd_ext.TESKDHead', num_classes=10, in_channels=32))
train_cfg = dict(max_epochs=1)
"""


def write_config(folder: Path, extra: str = '') -> Path:
    """A config on digits, 5 iterations an epoch, with `extra` merged into it; its name is unique, as mmengine needs."""
    base = folder / 'base.py'
    base.write_text(_CONFIG.format(repo=REPO))
    path = folder / f'{folder.name}_{len(list(folder.glob("*.py")))}_{time.monotonic_ns()}.py'
    path.write_text(f"_base_ = ['base.py']\n{extra}\n")
    return path


def environment(**variables: str) -> dict[str, str]:
    """This environment, with the repository and the tests importable."""
    places = [str(REPO), str(REPO / 'tests'), os.environ.get('PYTHONPATH', '')]
    # One thread: as fast on inputs this small, and what a test compares to the last bit must be summed in one order.
    ours = dict(PYTHONPATH=os.pathsep.join(filter(None, places)), OMP_NUM_THREADS='1', PYTHON=sys.executable)
    return {**os.environ, **ours, **variables}


def run(*command: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run a command to its end; a Python file is run by this interpreter."""
    words = [str(word) for word in command]
    if words[0].endswith('.py'):
        words.insert(0, sys.executable)
    return subprocess.run(words, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=240)


def train_once(folder: Path, extra: str) -> tuple[Path, str]:
    """A config in `folder` and what its real run printed; the run is in `folder / 'work'`."""
    config = write_config(folder, extra)
    ended = in_copy(train.main, config, '--work-dir', folder / 'work', cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return config, ended.stdout


@contextmanager
def one_thread() -> Iterator[None]:
    """This process with the threads of those that `run` starts."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def losses(work_dir: Path) -> list[dict[int, float]]:
    """Of each start in `work_dir`, in order: iteration -> loss."""
    starts = []
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        records = [json.loads(line) for line in file.read_text().splitlines()]
        starts.append({record['step']: record['loss'] for record in records if 'loss' in record})
    return starts


def lines_of(work_dir: Path | str) -> list[dict]:
    """What the newest start in `work_dir` logged, line by line."""
    file = max(Path(work_dir).glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in file.read_text().splitlines()]


def one_error(captured: str) -> str:
    """The only `error:` line of what a command wrote to stderr."""
    lines = [line for line in captured.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, captured
    assert 'Traceback' not in captured
    return lines[0]
