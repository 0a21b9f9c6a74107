"""Squares of three colours on grey, a dense detector that tells them apart without any training, and a config with faults to plant."""

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, DefaultScope
from mmengine.registry import MODELS as ROOT
from torch import nn
from torch.nn.functional import avg_pool2d

CLASSES = ('red', 'green', 'blue')
_SIDE, _HALF = 64, 8


@DATASETS.register_module(force=True)
class Boxes(BaseDataset):
    """Two squares of 16 px an image, which are anchors to the pixel."""

    METAINFO = dict(classes=CLASSES)

    def __init__(self, count=16, without=None, nan=None, **kwargs):
        self.count, self.without, self.nan = count, without, nan
        super().__init__(ann_file='', serialize_data=False, **kwargs)

    def load_data_list(self):
        rng = np.random.default_rng(0)
        classes = [k for k in range(3) if k != self.without]
        return [self._image(i, rng, classes) for i in range(self.count)]

    def _image(self, number, rng, classes):
        image, instances = np.full((_SIDE, _SIDE, 3), 40.0, np.float32), []
        for n in range(2):
            label = classes[(2 * number + n) % len(classes)]
            x, y = 16 + 24 * n, 8 * int(rng.integers(1, 7))
            image[y - _HALF : y + _HALF, x - _HALF : x + _HALF, label] = 220
            instances.append(dict(bbox=[x - _HALF, y - _HALF, x + _HALF, y + _HALF], bbox_label=label, ignore_flag=0))
        if number == self.nan:
            image[:] = np.nan
        shape = (_SIDE, _SIDE)
        return dict(img=image, instances=instances, img_path=f'{number}.png', img_id=number, height=_SIDE, width=_SIDE, img_shape=shape,
                    ori_shape=shape)  # fmt: skip


@ROOT.register_module(force=True)
class Pooled(nn.Module):
    """3 x H x W -> 3 x H/8 x W/8 and 3 x H/16 x W/16."""

    def __init__(self, frozen=False):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1).requires_grad_(not frozen)

    def forward(self, x):
        x = self.conv(x)
        return avg_pool2d(x, 8), avg_pool2d(x, 16)


def network(**backbone):
    return dict(
        type='RetinaNet', backbone=dict(type='mmengine.Pooled', **backbone), neck=None,
        bbox_head=dict(
            type='RetinaHead', num_classes=3, in_channels=3, feat_channels=3, stacked_convs=1,
            anchor_generator=dict(type='AnchorGenerator', scales=[2.0], ratios=[1.0], strides=[8, 16]),
            loss_cls=dict(type='FocalLoss', use_sigmoid=True), loss_bbox=dict(type='L1Loss')),
        train_cfg=dict(
            assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0.3), sampler=dict(type='PseudoSampler'),
            allowed_border=-1, pos_weight=-1),
        test_cfg=dict(nms_pre=100, min_bbox_size=0, score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), max_per_img=10))


def knowing_teacher():
    """The state of a `network()` whose score of a class is how much of its colour there is, for images (x - 127.5) / 127.5 in RGB."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = ROOT.build(dict(network(), _scope_='mmdet'))
    for conv in (model.backbone.conv, model.bbox_head.cls_convs[0].conv, model.bbox_head.retina_cls):
        nn.init.dirac_(conv.weight)
        nn.init.zeros_(conv.bias)
    return model.state_dict()


CONFIG = """
default_scope = 'mmdet'
custom_imports = dict(
    imports=['support.coloured_boxes', 'mmkd_ext.hooks', 'mmkd_ext.models', 'mmkd_ext.datasets'], allow_failed_imports=False)
_preprocessor = dict(type='DetDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)
model = dict(
    type='mmkd_ext.OfflineDistiller', student=dict({network}, data_preprocessor=_preprocessor), input_size=64,
    teacher=dict(model=dict({network}, data_preprocessor=_preprocessor), checkpoint={checkpoint!r}),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=0.5)))
train_dataloader = dict(
    batch_size=8, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmengine.Boxes', pipeline=[
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'img_shape', 'ori_shape'))]))
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
train_cfg = dict(by_epoch=True, max_epochs=2)
randomness = dict(seed=0)
"""


def write(folder, extra='', state=None):
    """A config with that teacher; `extra` is Python that changes it."""
    folder.mkdir(exist_ok=True)
    torch.save(dict(state_dict=state), folder / 'teacher.pth')
    path = folder / 'planted.py'
    path.write_text(CONFIG.format(network=network(), checkpoint=str(folder / 'teacher.pth')) + extra + '\n')
    return path
