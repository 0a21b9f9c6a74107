"""Blocks of iterations: what is reported and when, and that a process ends where its turns end."""

import io
import json
import os
import time

import pytest

from mmkd_ext.benchmark.peers.blocks import Blocks


def test_a_block_is_reported_once_and_the_wait_is_no_part_of_it(monkeypatch):
    read, write = os.pipe()

    class Turns(io.StringIO):
        def readline(self, *args):
            time.sleep(0.2)  # the others' turn
            return super().readline(*args)

    monkeypatch.setattr('sys.stdin', Turns('\n\n'))
    blocks = Blocks(2, write)
    for _ in range(4):
        time.sleep(0.02)
        blocks.step_done()
    reports = [json.loads(line) for line in os.read(read, 10**4).splitlines()]
    assert len(reports) == 2
    assert all(0.04 <= report['wall'] < 0.2 and report['cpu'] < 0.04 for report in reports)
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
