"""Law 11 for networks that train together: DDP without find_unused_parameters, and two processes give the loss of one."""

import os

import pytest
import torch
from mmengine.registry import DefaultScope
from support.gloo import one_process, two_processes

from mmkd_ext.registry import MODELS

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2 or torch.cuda.is_available(), reason='needs two CPU cores and no GPU: gloo'
)


def network(width):
    # normalised within each sample: no BatchNorm sees its own half of the batch
    backbone = dict(type='ResNet_CIFAR', depth=18, base_channels=width, stem_channels=width, norm_cfg=dict(type='GN', num_groups=4))
    return dict(
        type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=7, in_channels=8 * width))  # fmt: skip


def test_two_processes_give_the_loss_terms_and_gradients_of_one(rng):
    cfg = dict(
        type='mmkd_ext.MutualLearningDistiller', students=dict(a=network(4), b=network(8)), teacher=network(8), input_size=16,
        losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0), ml=dict(type='mmkd_ext.MutualLearningLoss')))  # fmt: skip
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=rng)
    state = model.state_dict()
    inputs, labels = torch.randn(6, 3, 16, 16, generator=rng, dtype=torch.float64), torch.tensor([0, 6, 3, 3, 1, 5])
    (terms, gradients), (joint_terms, joint_gradients) = (
        two_processes(cfg, inputs, labels, state), one_process(cfg, inputs, labels, state))
    named = {key for key in joint_terms if 'loss' in key}
    assert named == {'loss', 'loss_a', 'loss_b', 'loss_teacher', 'loss_kd_a', 'loss_kd_b', 'loss_ml_a', 'loss_ml_b'}
    for key in named:
        torch.testing.assert_close(terms[key], joint_terms[key], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(gradients, joint_gradients, rtol=1e-6, atol=1e-8)
