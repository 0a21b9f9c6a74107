"""A scheduler that would begin after the last epoch or iteration is told by a warning."""

import re
from types import SimpleNamespace

import pytest

from mmkd_ext.preflight import late_schedulers

LOOP = SimpleNamespace(max_epochs=10, max_iters=70)


@pytest.fixture
def warned(monkeypatch):
    said = []
    monkeypatch.setattr(late_schedulers, 'print_log', lambda text, *_: said.append(text))

    def warned(scheduler):
        late_schedulers.warn_of_late_schedulers(scheduler, LOOP)
        return said

    return warned


@pytest.mark.parametrize(('scheduler', 'said'), [
    (dict(type='LinearLR', begin=10), 'LinearLR of param_scheduler changes nothing: it would begin after 10 epochs, and the training ends '
     'after 10. Look at param_scheduler and train_cfg'),
    ([dict(type='LinearLR', begin=0), dict(type='MultiStepLR', milestones=[30, 12])], 'begin after 12 epochs.*param_scheduler.1'),
    (dict(type='LinearLR', begin=70, by_epoch=False), 'after 70 iterations'),
])  # fmt: skip
def test_what_begins_too_late_is_told(warned, scheduler, said):
    (text,) = warned(scheduler)
    assert re.search(said, text)


@pytest.mark.parametrize('scheduler', [
    None, [], dict(type='LinearLR', begin=9), dict(type='LinearLR', begin=69, by_epoch=False), dict(type='CosineAnnealingLR', T_max=99),
    dict(type='MultiStepLR', milestones=[8, 30]), dict(type='ReduceOnPlateauLR', begin=0)])  # fmt: skip
def test_what_begins_in_time_is_not(warned, scheduler):
    assert warned(scheduler) == []
