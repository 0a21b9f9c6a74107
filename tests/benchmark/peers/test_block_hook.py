"""BlockHook: a run's iterations are counted in blocks, the first with a length of its own."""

import io
import os
from types import SimpleNamespace

import pytest

from mmkd_ext.benchmark.peers.block_hook import BlockHook


def test_a_run_reports_its_blocks_and_ends_with_its_turns(monkeypatch):
    read, write = os.pipe()
    monkeypatch.setattr('sys.stdin', io.StringIO('\n'))
    hook, runner, done = BlockHook(2, write, warm_up=3), SimpleNamespace(), 0
    hook.before_train(runner)
    with pytest.raises(SystemExit):
        for _ in range(9):
            done += 1
            hook.after_train_iter(runner, done)
    assert done == 5 and len(os.read(read, 10**4).splitlines()) == 2
    for end in (read, write):
        os.close(end)


def test_it_comes_after_every_other_hook():
    assert BlockHook.priority == 'LOWEST'
