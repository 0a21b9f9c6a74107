"""Options that make a step faster: each is what its name says, and none changes what is computed beyond rounding."""

import pytest
import torch
from mmengine.config import Config
from support.runs import one_error, one_thread, write_config

from mmkd_ext.benchmark.options import OPTIONS, PLAIN, _Step, compare_options
from mmkd_ext.commands import benchmark

KD = """
student = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64))
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=student, teacher=dict(model=student, checkpoint='is not there'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)), input_size=8)
"""


def test_every_option_is_in_force_and_the_first_step_is_the_same(tmp_path):
    cfg, seen = Config.fromfile(write_config(tmp_path, KD)), []
    from mmkd_ext.benchmark import options

    options_in_turns = options._in_turns
    try:
        options._in_turns = lambda steps, *rest: seen.append(steps) or []
        compare_options(cfg, 1, 1, ['float32'])
    finally:
        options._in_turns = options_in_turns
    steps = seen[0]
    assert list(steps) == list(OPTIONS)
    weights = {}
    for (name, option), step in zip(OPTIONS.items(), steps.values(), strict=True):
        form = torch.channels_last if option.get('images') else torch.contiguous_format
        assert step.data['inputs'].is_contiguous(memory_format=form)
        conv = step.model.student.backbone.layer1[0].conv1.weight
        assert conv.is_contiguous() != bool(option.get('weights'))
        assert bool(step.optim_wrapper.optimizer.defaults['fused']) == bool(option.get('fused'))
        assert step.model.teachers['teacher'].precision == option.get('teacher', {}).get('precision')
        step()
        weights[name] = conv.detach().clone()
    for name, value in weights.items():
        rounding = dict(atol=2e-3, rtol=2e-2) if 'bf16' in name else dict(atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(value, weights[PLAIN], **rounding)


def test_the_table_has_every_option_of_both_precisions(tmp_path, capsys):
    config = write_config(tmp_path, KD)
    with one_thread():
        assert benchmark.main([str(config), '--options', '--iterations', '1', '--rounds', '1', '--threads', '1']) == 0
    lines = [line.split('|') for line in capsys.readouterr().out.splitlines() if line.startswith('| ')][1:]
    assert [(line[1].strip(), line[2].strip()) for line in lines] == [
        (name, precision) for precision in ('float32', 'bfloat16') for name in OPTIONS]
    assert [float(line[4]) for line in lines if line[1].strip() == PLAIN] == [1.0, 1.0]


def test_a_plain_network_has_no_teacher_s_options(tmp_path):
    with one_thread():
        timings = compare_options(Config.fromfile(write_config(tmp_path)), 1, 1, ['bfloat16'])
    assert [each.name for each in timings] == [name for name, option in OPTIONS.items() if 'teacher' not in option]
    assert all(each.precision == 'bfloat16' and len(each.seconds) == 1 and each.seconds[0] > 0 for each in timings)


def test_an_optimizer_without_a_fused_form_is_one_sentence(tmp_path, capsys):
    config = write_config(tmp_path, "optim_wrapper = dict(optimizer=dict(_delete_=True, type='Rprop', lr=0.01))")
    assert benchmark.main([str(config), '--options', '--iterations', '1', '--rounds', '1']) == 2
    assert 'fused' in one_error(capsys.readouterr().err)


@pytest.mark.parametrize('kind', ['SGD', 'Adam', 'AdamW'])
def test_a_fused_optimizer_of_a_config_steps_as_the_plain_one(tmp_path, kind, rng):
    images, results = torch.randint(256, (8, 3, 8, 8), generator=rng, dtype=torch.uint8), []
    more = '' if kind == 'SGD' else ', eps=1.0'  # else a gradient of nothing but rounding moves a weight by the learning rate
    for fused in (False, True):
        cfg = Config.fromfile(write_config(
            tmp_path, f"{KD}\noptim_wrapper = dict(optimizer=dict(_delete_=True, type='{kind}', lr=0.01, fused={fused}{more}))"))
        step = _Step(cfg, dict(inputs=images, data_samples=samples(8)))
        assert bool(step.optim_wrapper.optimizer.param_groups[0]['fused']) == fused
        before = step.model.student.head.fc.weight.detach().clone()
        step()
        step()
        results.append(step.model.state_dict())
        assert not torch.equal(step.model.student.head.fc.weight, before)
    for one, two in zip(*(each.values() for each in results), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


def samples(n):
    from mmpretrain.structures import DataSample

    return [DataSample().set_gt_label(i) for i in range(n)]
