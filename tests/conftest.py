"""Fixtures that every test may use."""

import ctypes
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import mmpretrain.models  # noqa: F401  # before what is here is frozen
import pytest
import timm  # noqa: F401  # likewise
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from support import shortcuts

# The tests' tensors are small: on two threads they wait for each other more than they compute.
torch.set_num_threads(1)
# A first backward pass after torch.compile starts threads, which forked copies of this process lack; after one before it none are started.
torch.ones((), requires_grad=True).backward()
# mmengine collects garbage for every data set; what the imports made is no garbage.
gc.freeze()
shortcuts.take()


@pytest.fixture
def yapf(monkeypatch) -> None:
    """For a test of how the text of a config is laid out."""
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', shortcuts.FORMAT_CODE)


@pytest.fixture
def rng() -> torch.Generator:
    """A local generator, so that no test depends on the order of tests."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(autouse=True)
def _no_run_of_another_test() -> Iterator[None]:
    """Loggers, visualizers and message hubs of mmengine live for ever, by a name that two runs of the same second share.

    A logger of a test writes to a stream that ends with it, a visualizer into its folder.
    """
    yield
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            handler.close()
    for kind in _with_subclasses(MMLogger, MessageHub, Visualizer):
        kind._instance_dict.clear()


def _with_subclasses(*kinds: type) -> list:
    return [each for kind in kinds for each in (kind, *_with_subclasses(*kind.__subclasses__()))]


@pytest.fixture(autouse=True, scope='module')
def _no_scope_of_another_module() -> Iterator[None]:
    """Scopes are kept by mmengine as well: in mmdet's, `CrossEntropyLoss` is another class."""
    before = dict(DefaultScope._instance_dict)
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


class _Memory:
    """Bytes of this process beyond which garbage is collected after a test; Python's own collections count objects, not their size."""

    most = floor = 1200 * 2**20

    @staticmethod
    def used() -> int:
        return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


@pytest.fixture(autouse=True)
def _no_large_garbage_of_another_test() -> Iterator[None]:
    """Networks of a hundred million parameters hold themselves in circles, and would pile up until their module ends.

    What is freed goes back to the system: the settings under which the tests run keep it otherwise.
    """
    yield
    if Path('/proc/self/statm').exists() and _Memory.used() > _Memory.most:
        gc.collect()
        getattr(ctypes.CDLL(None), 'malloc_trim', int)(0)  # glibc's
        _Memory.most = max(_Memory.floor, _Memory.used() + 200 * 2**20)


@pytest.fixture(autouse=True, scope='module')
def _no_garbage_of_another_module() -> Iterator[None]:
    """What a module leaves is collected once, and what lives on is not looked at in each collection of the later ones."""
    yield
    gc.collect()
    gc.freeze()
