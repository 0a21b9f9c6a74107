"""Blocks of iterations: what is reported and when, and that a process ends where its turns end."""

import io
import json
import os
import select

import pytest

from mmkd_ext.benchmark.peers.blocks import Blocks


def test_a_block_is_reported_once_and_the_wait_is_no_part_of_it(monkeypatch):
    read, write = os.pipe()
    now = dict(wall=0.0, cpu=0.0)
    monkeypatch.setattr('time.perf_counter', lambda: now['wall'])
    monkeypatch.setattr('time.process_time', lambda: now['cpu'])

    class Turns(io.StringIO):
        def readline(self, *args):
            now['wall'] += 100  # the others' turn
            return super().readline(*args)

    monkeypatch.setattr('sys.stdin', Turns('\n\n'))
    blocks = Blocks(2, write)
    for seconds in (3, 4, 5, 6):
        now['wall'] += 2 * seconds
        now['cpu'] += seconds
        blocks.step_done()
    reports = [json.loads(line) for line in os.read(read, 10**4).splitlines()]
    assert reports == [dict(cpu=7.0, wall=14.0), dict(cpu=11.0, wall=22.0)]
    for end in (read, write):
        os.close(end)


def test_the_first_block_has_a_length_of_its_own(monkeypatch):
    read, write = os.pipe()
    monkeypatch.setattr('sys.stdin', io.StringIO('\n' * 5))
    blocks, reports = Blocks(2, write, warm_up=5), []
    for i in range(9):
        blocks.step_done()
        reports += [i] if select.select([read], [], [], 0)[0] and os.read(read, 10**4) else []
    assert reports == [4, 6, 8]
    for end in (read, write):
        os.close(end)


def test_without_a_further_turn_the_process_ends(monkeypatch):
    read, write = os.pipe()
    monkeypatch.setattr('sys.stdin', io.StringIO(''))
    with pytest.raises(SystemExit) as ended:
        Blocks(1, write).step_done()
    assert ended.value.code == 0 and os.read(read, 10**4)
    for end in (read, write):
        os.close(end)
