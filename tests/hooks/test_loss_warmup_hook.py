"""The factor follows from the counter: min(1, epoch / epochs)."""

from types import SimpleNamespace

import pytest
from mmengine.runner import IterBasedTrainLoop
from torch import nn

from mmkd_ext.hooks import LossWarmupHook


class Distiller:
    def __init__(self):
        self.factors = {}

    def set_loss_factor(self, loss, factor):
        self.factors[loss] = factor


def runner(**counters):
    return SimpleNamespace(model=Distiller(), train_loop=None, epoch=0, iter=0, **counters)


@pytest.mark.parametrize(('kwargs', 'counter'), [(dict(epochs=4), 'epoch'), (dict(iters=4), 'iter')])
def test_the_ramp_starts_at_zero_ends_at_one_and_stays(kwargs, counter):
    hook, run = LossWarmupHook('kd', **kwargs), runner()
    hook.before_train(run)
    assert run.model.factors == {'kd': 0.0}
    found = []
    for value in (0, 1, 1, 3, 4, 9, 2):
        setattr(run, counter, value)
        hook.before_train_iter(run, 0)
        found.append(run.model.factors['kd'])
    assert found == [0.0, 0.25, 0.25, 0.75, 1.0, 1.0, 0.5]


@pytest.mark.parametrize('kwargs', [{}, dict(epochs=1, iters=1), dict(epochs=0), dict(iters=-3)])
def test_exactly_one_length_is_needed(kwargs):
    with pytest.raises(ValueError, match="'kd' needs either epochs or iters, >= 1"):
        LossWarmupHook('kd', **kwargs)


def test_what_cannot_work_is_refused_before_the_first_step():
    run = runner()
    run.train_loop = object.__new__(IterBasedTrainLoop)
    with pytest.raises(ValueError, match='needs iters in an iteration loop'):
        LossWarmupHook('kd', epochs=2).before_train(run)
    run.model = nn.Linear(1, 1)
    with pytest.raises(ValueError, match='needs a distiller of mmkd_ext, got Linear'):
        LossWarmupHook('kd', iters=2).before_train(run)
