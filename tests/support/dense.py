"""Dense detectors small enough for a test."""

import torch
from mmengine.registry import DefaultScope
from support.detection import CLASSES, raw, teacher_of, zoo_model

from mmkd_ext.registry import MODELS

ZOO = dict(
    retinanet='mmdet::retinanet/retinanet_r18_fpn_1x_coco.py', fcos='mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    atss='mmdet::atss/atss_r50_fpn_1x_coco.py', gfl='mmdet::gfl/gfl_r50_fpn_1x_coco.py',
    rtmdet='mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', yolox='mmdet::yolox/yolox_tiny_8xb8-300e_coco.py')
THREE = ('retinanet', 'fcos', 'gfl')  # each with another assigner and another layout of targets
BOXES = [[[4, 6, 30, 34], [10, 10, 120, 118]], [[20, 10, 44, 50]]]  # of both images; positives at several strides
SIZES = ((128, 128), (128, 96))

LOSSES = dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.5), nd=dict(type='mmkd_ext.NDLoss', dropout=0.0), pkd=dict(
    type='mmkd_ext.PKDLoss', loss_weight=0.5))  # fmt: skip


def tiny(kind='retinanet', width=8, channels=16, classes=CLASSES):
    """The zoo's config with a narrow backbone and one convolution in each tower of its head."""
    model = zoo_model(ZOO[kind])
    head = model.bbox_head
    if kind == 'rtmdet':
        model.backbone.update(widen_factor=width / 64, deepen_factor=0.167, init_cfg=None, norm_cfg=dict(type='BN'))
        model.neck.update(in_channels=[4 * width, 8 * width, 16 * width], out_channels=channels, num_csp_blocks=1, norm_cfg=dict(type='BN'))
        head.update(norm_cfg=dict(type='BN'))
    elif kind == 'yolox':
        model.data_preprocessor.pop('batch_augments')  # which resizes every batch
        model.backbone.update(widen_factor=width / 64, deepen_factor=0.167)
        model.neck.update(in_channels=[4 * width, 8 * width, 16 * width], out_channels=channels)
    else:
        model.backbone.update(
            depth=18, base_channels=width, stem_channels=width, init_cfg=None, frozen_stages=-1, norm_eval=False, style='pytorch',
            norm_cfg=dict(type='BN'))
        model.neck.update(in_channels=[width, 2 * width, 4 * width, 8 * width], out_channels=channels)
    head.update(num_classes=classes, in_channels=channels, feat_channels=channels, stacked_convs=1)
    if kind in ('fcos', 'atss', 'gfl'):
        head.update(norm_cfg=dict(type='GN', num_groups=4))
    return model.to_dict()


def distiller(student, teacher, losses, seed=0, **kwargs):
    """A plain `OfflineDistiller`, whose ND losses have no class means yet."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(dict(
            type='mmkd_ext.OfflineDistiller', student=student, teacher=teacher, losses=losses, **kwargs))  # fmt: skip


def with_means(model):
    """The same, its ND losses with class means."""
    for loss in model.distill.values():
        if hasattr(loss, 'set_class_means'):
            loss.set_class_means(torch.rand(CLASSES, loss.widths[1], generator=torch.Generator().manual_seed(7)) + 0.1)
    return model


def pair(kind='retinanet', losses=LOSSES, teacher=None, **kwargs):
    """A distiller of a wider teacher, of the same architecture or another; weights that are no longer near zero."""
    model = with_means(distiller(tiny(kind), teacher_of(tiny(teacher or kind, 16, 24)), losses, **kwargs))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for network in (model.student, model.teachers['teacher'].network):
            for parameter in (*network.neck.parameters(), *network.bbox_head.parameters()):
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return model


def batch(rng, boxes=BOXES):
    """Two images with boxes of two sizes, or with the given ones."""
    return raw(rng, SIZES, boxes)
