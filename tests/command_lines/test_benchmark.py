"""The benchmark from the command line: what cannot be measured is one sentence."""

import pytest
from support.runs import REPO, one_error, write_config

from mmkd_ext.commands import benchmark as tool

WITNESS = f'{REPO}/tests/witnesses/naive_teskd.py:build_witness'


@pytest.mark.parametrize('words', [['--rounds', '0'], ['--batch-size', 'many'], ['--size', '-1']])
def test_a_number_that_counts_nothing_is_refused(tmp_path, capsys, words):
    with pytest.raises(SystemExit):
        tool.main([str(write_config(tmp_path)), *words])
    assert 'a whole number of 1 or more is needed' in capsys.readouterr().err


def test_a_device_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert tool.main([str(write_config(tmp_path)), '--device', 'cuda:99']) == 2
    assert "--device needs one that this machine has, such as 'cpu' or 'cuda:0', got 'cuda:99'" in one_error(capsys.readouterr().err)


def test_cpu_time_of_a_gpu_is_one_sentence(tmp_path, capsys):
    assert tool.main([str(write_config(tmp_path)), '--device', 'meta', '--cpu-time']) == 2
    assert '--cpu-time needs --device cpu, got meta' in one_error(capsys.readouterr().err)


@pytest.mark.parametrize(
    ('witness', 'word'),
    [
        ('absent.py:build', 'absent.py'),
        (WITNESS.split(':')[0], 'FILE.py:FUNCTION'),
        (f'{WITNESS}ed', 'build_witnessed'),
    ],
)
def test_a_witness_that_is_not_there_is_one_sentence(tmp_path, capsys, witness, word):
    assert tool.main([str(write_config(tmp_path)), '--witness', witness]) == 2
    assert word in one_error(capsys.readouterr().err)
