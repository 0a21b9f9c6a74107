"""Processes in turns: whose block runs when, and the rates of what they report."""

import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmkd_ext.benchmark.peers import rounds
from mmkd_ext.benchmark.peers.rounds import Rates, Setting, compare
from mmkd_ext.errors import PreflightError

# Reports how many blocks all processes have done: the place of this one in the order.
CHILD = """
import json, os, sys
fd, log, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
while True:
    with open(log, 'a') as file:
        file.write(name + ' ')
    done = len(open(log).read().split())
    os.write(fd, json.dumps(dict(cpu=done, wall=2 * done)).encode() + b'\\n')
    if not sys.stdin.readline():
        break
"""


@pytest.fixture
def setting(tmp_path):
    return Setting('cifar', tmp_path, tmp_path, 6, 10, 1, tmp_path)


def test_they_take_turns_and_the_first_block_does_not_count(setting, monkeypatch):
    log = setting.out / 'order'
    monkeypatch.setattr(rounds, '_command', lambda name, precision, setting, fd: [sys.executable, '-c', CHILD, str(fd), str(log), name])
    a, b = compare(['a', 'b'], 'float32', setting, 2)
    assert log.read_text().split() == ['a', 'b', 'a', 'b', 'a', 'b']
    assert a.cpu == [60 / 3, 60 / 5] and b.cpu == [60 / 4, 60 / 6] and a.wall == [60 / 6, 60 / 10]


def test_an_end_before_the_last_block_quotes_the_log(setting, monkeypatch):
    monkeypatch.setattr(rounds, '_command', lambda *_: [sys.executable, '-c', 'raise SystemExit("no images here")'])
    with pytest.raises(PreflightError, match='plain loop needs to train, got an end: no images here'):
        compare(['plain loop'], 'float32', setting, 1)


def test_the_interpreter_of_torchdistill_is_its_own(setting):
    other = Setting(**{**vars(setting), 'python': Path('/env/bin/python')})
    assert rounds._command('torchdistill', 'float32', other, 5)[0] == '/env/bin/python'
    assert rounds._command('timm', 'float32', other, 5)[0] == sys.executable
    assert '--amp' in rounds._command('ours', 'bfloat16', other, 5) and '--amp' not in rounds._command('ours', 'float32', other, 5)


def test_each_of_ours_has_its_key_and_a_config_of_its_own(setting):
    for name, precision, compiled in (('ours', None, False), ('ours, bf16 teacher', 'bf16', False), ('ours, compiled', None, True)):
        words = rounds._command(name, 'float32', setting, 5)
        (path,) = (word for word in words if word.endswith('.py'))
        cfg = Config.fromfile(path)
        assert '--amp' not in words and (cfg.model.teacher.precision, cfg.compile) == (precision, compiled)
    assert len(list(setting.out.glob('ours*.py'))) == 3
    words = rounds._command('ours, compiled', 'bfloat16', setting, 5)
    (path,) = (word for word in words if word.endswith('.py'))
    assert '--amp' in words and (Config.fromfile(path).model.teacher.precision, Config.fromfile(path).compile) == ('bf16', True)


def test_the_median_is_of_the_cpu_seconds_rates():
    assert Rates('a', 'float32', [3.0, 1.0, 9.0], [100.0]).median == 3.0
