"""Every hook of mmengine, mmpretrain and mmdet does the same over a distiller, whose loss has no weight, as over the student alone."""

import copy

import pytest
from support.hooked_runs import CHANGE, KD, LOOK, TEACHER, run, same, start, without


@pytest.mark.parametrize('name', [*CHANGE, *LOOK])
def test_a_hook_does_to_the_student_what_it_does_without_a_teacher(name):
    hook, student = {**CHANGE, **LOOK}[name]
    folder = start(str(student))
    alone, epochs, metrics = run(copy.deepcopy(student), hook, folder / 'alone')
    model = dict(type='mmkd_ext.OfflineDistiller', student=student, teacher=TEACHER, losses=dict(kd=KD), input_size=16, channel_order='rgb')
    distilled, taught_epochs, taught_metrics = run(model, hook, folder / 'distilled')
    assert same(alone['state_dict'], distilled['state_dict'])
    assert ('ema_state_dict' in alone) == ('ema_state_dict' in distilled)
    assert epochs == taught_epochs and metrics == taught_metrics
    plain = without(str(student))
    assert (same(plain[0]['state_dict'], alone['state_dict']) and plain[1] == epochs) == (name in LOOK)
