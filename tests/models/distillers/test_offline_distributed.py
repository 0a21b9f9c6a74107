"""Law 11 for the distiller: DDP without find_unused_parameters, and two processes give the loss of one."""

import os

import pytest
import torch
from mmengine.registry import DefaultScope
from support.gloo import one_process, two_processes

from mmkd_ext.registry import MODELS

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2 or torch.cuda.is_available(), reason='needs two CPU cores and no GPU: gloo'
)


def classifier(backbone):
    return dict(
        type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=7, in_channels=64))


@pytest.mark.parametrize('backend', [None, 'aot_eager'], ids=['eager', 'compiled'])
def test_two_processes_give_the_loss_terms_and_gradients_of_one(rng, tmp_path, backend):
    teacher = classifier(dict(type='mmkd_ext.CIFARResNet', depth=8))
    # normalised within each sample, and of the teacher's width: no BatchNorm sees its own half of the batch
    student = dict(
        type='ResNet_CIFAR', depth=18, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,), base_channels=32, stem_channels=8,
        norm_cfg=dict(type='GN', num_groups=4))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        torch.save(MODELS.build(teacher).state_dict(), tmp_path / 'teacher.pth')
        cfg = dict(
            type='mmkd_ext.OfflineDistiller', student=classifier(student), input_size=16,
            teacher=dict(model=teacher, checkpoint=str(tmp_path / 'teacher.pth')),
            losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0), nd=dict(type='mmkd_ext.NDLoss')))
        model = MODELS.build(cfg)
    model.distill.nd.set_class_means(torch.rand(7, 64, generator=rng) + 0.1)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=rng)
    state = model.state_dict()
    inputs, labels = torch.randn(6, 3, 16, 16, generator=rng, dtype=torch.float64), torch.tensor([0, 6, 3, 3, 1, 5])

    (terms, gradients), (joint_terms, joint_gradients) = (
        two_processes(cfg, inputs, labels, state, backend), one_process(cfg, inputs, labels, state))

    named = {key for key in joint_terms if 'loss' in key}
    assert named == {'loss', 'loss_student', 'loss_kd', 'loss_nd'}
    for key in named:
        torch.testing.assert_close(terms[key], joint_terms[key], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(gradients, joint_gradients, rtol=1e-6, atol=1e-8)
    assert not any('teacher' in name for name in gradients)


@pytest.mark.parametrize('options', [dict(strategy='proportional'), dict(include_last=True, ce_weight=0.5, tau=1.0)])
def test_two_processes_weight_the_layers_by_the_losses_of_both(rng, tmp_path, options):
    teacher = classifier(dict(type='mmkd_ext.CIFARResNet', depth=8))
    per_sample = dict(type='GN', num_groups=4)
    student = dict(type='ResNet_CIFAR', depth=18, base_channels=8, stem_channels=8, norm_cfg=per_sample, out_indices=(0, 1, 2, 3))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        torch.save(MODELS.build(teacher).state_dict(), tmp_path / 'teacher.pth')
        cfg = dict(
            type='mmkd_ext.OfflineDistiller', student=classifier(student), input_size=16,
            teacher=dict(model=teacher, checkpoint=str(tmp_path / 'teacher.pth')),
            losses=dict(dskd=dict(type='mmkd_ext.DSKDHead', norm_cfg=per_sample, **options)))
        model = MODELS.build(cfg)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=rng)
    state = model.state_dict()
    inputs, labels = torch.randn(6, 3, 16, 16, generator=rng, dtype=torch.float64), torch.tensor([0, 6, 3, 3, 1, 5])
    inputs[:3] *= 3  # the two halves are of unlike losses

    (terms, gradients), (joint_terms, joint_gradients) = (
        two_processes(cfg, inputs, labels, state), one_process(cfg, inputs, labels, state))

    named = {key for key in joint_terms if 'loss' in key or 'weight_' in key}
    assert {'loss_dskd_cls', 'loss_dskd_feat', 'dskd_weight_cls_2'} < named
    for key in named:
        torch.testing.assert_close(terms[key], joint_terms[key], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(gradients, joint_gradients, rtol=1e-6, atol=1e-8)
