"""Logs that nobody's runner writes so: read where they can be, else refused with the line."""

import pytest

from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.runs import Curve, read_run


def log(folder, *lines):
    (folder / 'scalars.json').write_text('\n'.join(lines) + '\n')
    return folder / 'scalars.json'


@pytest.mark.parametrize('epoch', ['0', '-1', '"a"', 'null', 'true'])
def test_an_epoch_that_is_none_counts_in_iterations(tmp_path, epoch):
    train = f'{{"loss": 1.5, "iter": 4, "step": 4, "epoch": {epoch}}}'
    run = read_run(log(tmp_path, train, '{"step": 0, "accuracy/top1": 10}'))
    assert run.epoch_length is None and run.curves[Curve('loss', False)] == [(4, 1.5)]


@pytest.mark.parametrize('step', ['true', '-5', '1.5', '"1"', 'null'])
def test_a_step_is_a_whole_number(tmp_path, step):
    with pytest.raises(PreflightError, match='with a step on every line is needed.*line 1 of'):
        read_run(log(tmp_path, f'{{"loss": 1.5, "iter": 1, "step": {step}}}'))
