"""TESKD over two processes: the losses and gradients of one with the joint batch, without `find_unused_parameters`."""

import os

import pytest
import torch
from support.gloo import one_process, two_processes

GROUP_NORM = dict(type='GN', num_groups=4)
SYNC_FREE = dict(
    type='ResNet_CIFAR', depth=18, base_channels=16, stem_channels=16, out_indices=(0, 1, 2, 3), norm_cfg=GROUP_NORM
)
pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2 or torch.cuda.is_available(), reason='needs two CPU cores and no GPU: gloo'
)


def classifier():
    """Normalised within each sample, so that the loss is a sum over samples."""
    return dict(
        type='ImageClassifier',
        backbone=SYNC_FREE,
        neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 32, 64, 128), channels=8, norm_cfg=GROUP_NORM),
        head=dict(type='mmkd_ext.TESKDHead', num_classes=7, in_channels=128, feature_weight=1e-3),
    )


def test_two_processes_give_the_loss_terms_and_gradients_of_one(rng):
    inputs, labels = torch.randn(6, 3, 16, 16, generator=rng, dtype=torch.float64), torch.tensor([0, 6, 3, 3, 1, 5])
    model = classifier()
    (terms, gradients), (joint_terms, joint_gradients) = (
        f(model, inputs, labels) for f in (two_processes, one_process)
    )
    assert set(terms) == {'loss', 'loss_ce', 'loss_kl', 'loss_feature'}
    torch.testing.assert_close(terms, joint_terms, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(gradients, joint_gradients, rtol=1e-7, atol=1e-10)
    assert joint_terms['loss_feature'] > 0.01 * joint_terms['loss']  # a sum over the batch, large enough to show
    students = [name for name in joint_gradients if name.startswith('neck.branches')]
    assert min(joint_gradients[name].abs().max() for name in students) > 0
