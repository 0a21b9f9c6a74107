"""An allocation that fails is one sentence, not a traceback."""

import pytest
import torch

from mmkd_ext.explain.out_of_memory import out_of_memory
from mmkd_ext.running.command_line import run_checked


@pytest.mark.parametrize('ask', [lambda: torch.empty(2**57), lambda: bytearray(2**62)], ids=['torch', 'python'])
def test_memory_that_is_not_there_is_one_sentence(capsys, ask):
    assert run_checked(ask) == 2
    said = capsys.readouterr().err
    assert said.startswith('error: More memory than this machine has free is needed, got: ') and said.count('\n') == 1
    assert said.strip().endswith('Look at the batch size and the size of the images.')


def test_a_gpus_and_no_other_error_is_taken_for_it():
    assert 'got: CUDA out of memory' in out_of_memory(torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 9 GiB.'))
    assert out_of_memory(RuntimeError('memory format')) is None and out_of_memory(ValueError("can't allocate memory")) is None
