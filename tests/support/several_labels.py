"""Networks whose images have several labels each, a distiller of them, and a batch."""

import torch
from mmengine.dataset import default_collate
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmkd_ext.registry import MODELS

LINEAR = dict(type='MultiLabelLinearClsHead', num_classes=4, in_channels=64)
LABELS = [[0, 2], [1], [], [3, 1, 0], [2]]


def network(head=LINEAR, **kwargs):
    neck = dict(neck=dict(type='GlobalAveragePooling'))
    return dict(type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), **dict(neck, head=head) | kwargs)


def distiller(student, teacher, losses):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(dict(
            type='mmkd_ext.OfflineDistiller', student=student, teacher=dict(model=teacher, checkpoint=None, allow_random=True),
            losses=losses, input_size=16, data_preprocessor=dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=4, to_onehot=False)))


def batch(rng, labels=LABELS, scores=False):
    images = torch.randint(256, (len(labels), 3, 16, 16), generator=rng, dtype=torch.uint8)
    samples = [DataSample() for _ in labels]
    for sample, each in zip(samples, labels, strict=True):
        if scores:
            sample.set_gt_score(torch.tensor([float(k in each) for k in range(4)]))
        else:
            sample.set_gt_label(each)
    return default_collate([dict(inputs=x, data_samples=y) for x, y in zip(images, samples, strict=True)])
