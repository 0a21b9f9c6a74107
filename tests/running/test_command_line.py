"""A command line ends in one sentence, or in the traceback of what nobody foresaw."""

import os

import pytest

from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError
from mmkd_ext.running import command_line
from mmkd_ext.running.command_line import run_checked


def test_an_unexpected_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_checked(lambda: 1 / 0)


def test_a_traceback_can_be_asked_for(monkeypatch):
    monkeypatch.setenv('MMKD_TRACEBACK', '1')
    with pytest.raises(PreflightError):
        run_checked(lambda: load_config('absent.py'))


def test_other_ranks_let_the_first_one_speak(monkeypatch, capsys):
    waited = []
    monkeypatch.setattr(command_line, '_wait', waited.append)
    for rank in ('0', '3'):
        monkeypatch.setenv('RANK', rank)
        assert run_checked(lambda: load_config('absent.py')) == 2
    lines = capsys.readouterr().err.splitlines()
    assert not lines[0].startswith('error: [rank') and lines[1].startswith('error: [rank 3]')
    assert len(waited) == 1 and os.environ['RANK'] == '3'
