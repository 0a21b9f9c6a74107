"""Values and gradient norms of the losses: those of `backward` by hand on the same batches, one loss at a time."""

import copy

import pytest
import torch
from mmengine.config import Config
from support.coloured import trained_teacher, write

from mmkd_ext.commands import train
from mmkd_ext.doctor.gradients import TASK, measured
from mmkd_ext.doctor.loss_rows import loss_rows
from mmkd_ext.doctor.patient import admitted

_LOSSES = """model['losses'] = dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=0.5), nd=dict(type='mmkd_ext.NDLoss', dropout=0.0),
    loud=dict(type='mmkd_ext.KDLoss', loss_weight='auto:0.25'))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]"""


def test_values_norms_and_proposed_weights_are_those_by_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / 'run', _LOSSES, state=trained_teacher())
    cfg = train.make_config(train.parse_args([str(path), '--work-dir', str(tmp_path / 'work')]))
    text = Config(cfg.to_dict()).pretty_text
    with admitted(cfg, 3, 'cpu') as patient:
        by_hand = {}
        one = copy.deepcopy(patient.model).train()
        for batch in patient.batches:  # a network whose BatchNorm has seen the same
            for name in ('student', 'kd', 'nd'):
                again = copy.deepcopy(one)
                again(**again.data_preprocessor(copy.deepcopy(batch), True), mode='loss')[f'loss_{name}'].backward()
                parts = [p.grad.double().square().sum() for p in again.student.backbone.parameters() if p.grad is not None]
                by_hand.setdefault(name, []).append(float(sum(parts)) ** 0.5)
            one(**one.data_preprocessor(copy.deepcopy(batch), True), mode='loss')
        terms = {term.name: term for term in measured(patient)}
        rows = {row.check: row for row in loss_rows(patient, list(terms.values()))}
    assert Config(cfg.to_dict()).pretty_text == text  # untouched
    assert list(terms) == [TASK, 'kd', 'nd', 'loud']
    assert terms[TASK].norms == pytest.approx(by_hand['student'], rel=1e-4)
    for name, weight in (('kd', 0.5), ('nd', 1.0)):
        assert terms[name].norms == pytest.approx(by_hand[name], rel=1e-4)
        task, own = (sum(by_hand[each]) for each in ('student', name))
        figures = rows[f'loss {name}'].figures
        assert figures['weight_for_a_tenth'] == pytest.approx(weight * 0.1 * task / own, rel=1e-4)
        assert figures['weight_for_equal'] == pytest.approx(weight * task / own, rel=1e-4)
    auto = rows['loss loud'].figures  # the formula that a run uses, on the same batches
    assert auto['loss_weight'] == pytest.approx(2.5 * auto['weight_for_a_tenth'], rel=0.2)
    assert "loss_weight='auto:0.25' is" in rows['loss loud'].text
    assert torch.isfinite(torch.tensor(terms['nd'].values)).all()  # with class means of the batches
