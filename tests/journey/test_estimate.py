"""How long a journey takes, by hand, and what is said where the memory does not suffice."""

from pathlib import Path

import pytest
import torch
from mmengine.config import ConfigDict

from mmkd_ext.benchmark.steps import Timing
from mmkd_ext.errors import PreflightError
from mmkd_ext.journey import estimate
from mmkd_ext.journey.estimate import Cost, cost_of, plan_lines
from mmkd_ext.journey.image_folder import Images
from mmkd_ext.journey.networks import Network
from mmkd_ext.journey.settings import Settings
from mmkd_ext.journey.step_configs import Step

SETTINGS = Settings(epochs=40, batch_size=8, student_side=16, teacher_side=16, workers=0, drop_last=False, reasons=())
IMAGES = Images(Path(), ('a', 'b'), [('x', 0)] * 20, [('y', 0)] * 9, 16)  # three steps, two batches of a validation
LINEAR = ConfigDict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=2, in_channels=64))
NETWORK = Network('cifar/resnet8', LINEAR, 1, False, None, 32, True)


def step(name):
    return Step(name, name.partition('_')[0], 0, Path(), Path())


def test_the_time_of_each_step_and_of_all_by_hand():
    student, teacher = Cost(0.5, 100.0, 0.1), Cost(2.0, 300.0, 0.7)
    lines = plan_lines([step(name) for name in ('teacher', 'alone_0', 'distil_0')], IMAGES, SETTINGS, student, teacher)
    # 40 epochs of 3 steps, and a validation of 2 batches after every second epoch: 20 of them
    seconds = [40 * 3 * 2.0 + 40 * 0.7, 40 * 3 * 0.5 + 40 * 0.1, 40 * 3 * (0.5 + 0.7) + 40 * 0.1]
    assert [round(each) for each in seconds] == [268, 64, 148]
    assert [line.split('   ')[-1].strip() for line in lines[:3]] == ['4 min', '64 s', '2 min']
    assert '40 epochs x 3 steps x 1200 ms' in lines[2] and '3 tests of 9 images' in lines[3]
    assert lines[4] == 'about 8 min in all, without the time to load images; a step needs about 300 MB beside the weights'


def test_a_teacher_that_is_given_costs_no_training_of_its_own():
    lines = plan_lines([step('distil_0')], IMAGES, SETTINGS, Cost(100.0, 100.0, 0.0), Cost(1e6, 300.0, 50.0))
    assert lines[0].endswith('5.0 h') and 'about 100 MB' in lines[-1]  # 120 steps of 150 s


def test_a_step_and_a_forward_pass_are_measured(monkeypatch):
    def compare_steps(models, images, labels, precisions, rounds, threads):
        ((name, model),) = models.items()
        assert name == 'cifar/resnet8' and images.shape == (8, 3, 16, 16) and precisions == ['bfloat16'] and model.training
        assert set(labels.tolist()) <= {0, 1}
        return [Timing(name, 'bfloat16', [3.0, 1.0, 2.0], 7.0)]

    monkeypatch.setattr(estimate, 'compare_steps', compare_steps)
    cost = cost_of(NETWORK, 16, SETTINGS, 2, amp=True)
    assert cost[:2] == (2.0, 7.0) and 0 < cost.forward < 10


@pytest.mark.parametrize('error', [
    MemoryError(), torch.OutOfMemoryError('full'), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_proposes_half_the_batch(monkeypatch, error):
    monkeypatch.setattr(estimate, 'compare_steps', lambda *_: _raise(error))
    with pytest.raises(PreflightError, match='batches of 8 images of 16 pixels is needed by cifar/resnet8, .*try --batch-size 4'):
        cost_of(NETWORK, 16, SETTINGS, 2)


def test_another_error_is_not_taken_for_one_of_memory(monkeypatch):
    monkeypatch.setattr(estimate, 'compare_steps', lambda *_: _raise(RuntimeError('shapes differ')))
    with pytest.raises(RuntimeError, match='shapes differ'):
        cost_of(NETWORK, 16, SETTINGS, 2)


def _raise(error):
    raise error
