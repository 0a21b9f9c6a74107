"""Two-stage detectors small enough for a test, and batches for them."""

import copy
import functools
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmkd_ext.registry import MODELS

CLASSES = 3
KIND = dict(
    faster='mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', mask='mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    cascade='mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py')

LOSSES = dict(
    kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.5), nd=dict(type='mmkd_ext.NDLoss', dropout=0.0),
    review=dict(type='mmkd_ext.ReviewKDLoss', with_embedding=False, loss_weight=0.5))
HEADS = dict(faster=1, mask=1, cascade=3)


@functools.cache
def _in_the_zoo(name):
    return get_config(name).model


def zoo_model(name):
    """A copy of the model in a config of mmdet's; to find the config, mmengine reads a metafile every time."""
    return copy.deepcopy(_in_the_zoo(name))


def tiny(kind='faster', width=8, embedding=32, classes=CLASSES, **preprocessor):
    """The zoo's config with a narrow ResNet-18 and few proposals."""
    model = zoo_model(KIND[kind])
    model.data_preprocessor.update(preprocessor)
    model.backbone.update(
        depth=18, base_channels=width, stem_channels=width, init_cfg=None, frozen_stages=-1, norm_eval=False)
    model.neck.update(in_channels=[width, 2 * width, 4 * width, 8 * width], out_channels=16)
    model.rpn_head.update(in_channels=16, feat_channels=16)
    heads = model.roi_head.bbox_head if kind == 'cascade' else [model.roi_head.bbox_head]
    for head in heads:
        head.update(in_channels=16, fc_out_channels=embedding, num_classes=classes)
    model.roi_head.bbox_roi_extractor.out_channels = 16
    if kind == 'mask':
        model.roi_head.mask_roi_extractor.out_channels = 16
        model.roi_head.mask_head.update(num_convs=1, in_channels=16, conv_out_channels=16, num_classes=classes)
    for stage in model.train_cfg.rcnn if kind == 'cascade' else [model.train_cfg.rcnn]:
        stage.sampler.num = 16
    model.train_cfg.rpn_proposal.update(nms_pre=100, max_per_img=40)
    model.test_cfg.rpn.update(nms_pre=100, max_per_img=40)
    return model.to_dict()


def teacher_of(model, **options):
    """A spec with random weights."""
    return dict(model=model, checkpoint=None, allow_random=True, **options)


def build(model, seed=0):
    """The stock detector."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(ConfigDict(copy.deepcopy(model)))


def distiller(student, teacher, losses, seed=0, **kwargs):
    """A distiller, whose ND losses have no class means yet."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(dict(
            type='mmkd_ext.TwoStageDistiller', student=student, teacher=teacher, losses=losses, **kwargs))


def raw(rng, sizes=((64, 64), (64, 64)), boxes=None, masks=False):
    """A batch as a loader gives it: images of these sizes with two or the given boxes each."""
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks

    images = [torch.randint(256, (3, *size), generator=rng, dtype=torch.uint8) for size in sizes]
    samples = []
    for i, (h, w) in enumerate(sizes):
        found = [[4, 6, 30, 34], [20, 10, 44, 50]] if boxes is None else boxes[i]
        instances = InstanceData(
            bboxes=torch.tensor(found, dtype=torch.float32).reshape(-1, 4), labels=torch.arange(len(found)) % CLASSES)
        if masks:
            instances.masks = BitmapMasks(np.ones((len(found), h, w), dtype=np.uint8), h, w)
        sample = DetDataSample(
            gt_instances=instances, metainfo=dict(
                img_shape=(h, w), ori_shape=(h, w), scale_factor=(1.0, 1.0), pad_shape=(h, w), img_id=i,
                img_path=f'{i}.png', flip=False))
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
        samples.append(sample)
    return dict(inputs=images, data_samples=samples)


def read(model, data, training=True):
    """Images (N, 3, H, W) and samples, as the model's preprocessor gives them."""
    found = model.data_preprocessor(copy.deepcopy(data), training)
    return found['inputs'], found['data_samples']


def with_means(model, heads=1):
    """The same, its ND losses with class means."""
    for loss in model.distill.values():
        if hasattr(loss, 'set_class_means'):
            rows = heads * (CLASSES + 1)
            loss.set_class_means(torch.rand(rows, loss.widths[1], generator=torch.Generator().manual_seed(7)) + 0.1)
    return model


def pair(kind='faster', losses=LOSSES, embedding=48, **kwargs):
    """A distiller of a wider teacher of the same kind."""
    teacher = teacher_of(tiny(kind, 16, embedding))
    return with_means(distiller(tiny(kind), teacher, losses, **kwargs), HEADS[kind])


@contextmanager
def host_watched(detector):
    """An independent witness: what mmdet's own `bbox_loss` of the RoI head was given and gave back."""
    roi_head, calls = detector.roi_head, []
    original = roi_head.bbox_loss

    def bbox_loss(*args):
        out = original(*args)
        calls.append((args[-1], out))
        return out

    roi_head.bbox_loss = bbox_loss
    yield calls
    del roi_head.bbox_loss
