"""Coloured squares of four classes, a network of milliseconds that tells them apart, and faults that can be planted into a distillation."""

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, DefaultScope
from mmengine.registry import MODELS as ROOT
from torch import nn

from mmkd_ext.losses import DistillationLoss
from mmkd_ext.registry import MODELS

CLASSES = ('red', 'blue', 'bright', 'dark')
_LEVELS = np.array([[200, 100, 60], [60, 100, 200], [220, 220, 220], [40, 40, 40]])


@DATASETS.register_module(force=True)
class Squares(BaseDataset):
    METAINFO = dict(classes=CLASSES)

    def __init__(self, count=64, seed=0, without=None, **kwargs):
        self.count, self.seed, self.without = count, seed, without
        super().__init__(ann_file='', serialize_data=False, **kwargs)

    def load_data_list(self):
        rng = np.random.default_rng(self.seed)
        classes = [k for k in range(4) if k != self.without]
        labels = [classes[i % len(classes)] for i in range(self.count)]
        images = [np.clip(_LEVELS[k] + rng.normal(0, 25, (8, 8, 3)), 0, 255).astype(np.uint8) for k in labels]
        return [dict(img=image, gt_label=k, img_path=f'{i}.png') for i, (image, k) in enumerate(zip(images, labels, strict=True))]


class Stubborn(nn.BatchNorm2d):
    def train(self, mode=True):
        return super().train(True)


@ROOT.register_module(force=True)
class Tiny(nn.Module):
    """3 x 8 x 8 -> width x 4 x 4, with a fault."""

    def __init__(self, width=8, fault=None):
        super().__init__()
        self.fault = fault
        self.conv = nn.Conv2d(3, width, 3, 2, 1)
        self.bn = Stubborn(width) if fault == 'train mode' else nn.BatchNorm2d(width)
        if fault == 'unused':
            self.unused = nn.Linear(2, 2)
        if fault == 'frozen':
            self.bn.weight.requires_grad_(False)

    def forward(self, x):
        x = self.conv(x)
        if self.fault == 'one value':
            x = F.adaptive_avg_pool2d(x, 1)
        x = self.bn(x).relu()
        return (F.dropout(x, 0.3, training=True) if self.fault == 'dropout' else x,)


@MODELS.register_module(force=True)
class PlantedLoss(DistillationLoss):
    def __init__(self, fault, loss_weight: float | str = 1.0):
        super().__init__(loss_weight)
        self.fault = fault

    def forward(self, student, teacher, target):
        zero = 0 * student.logits.sum()
        return self.loss_weight * {
            'nan': zero + torch.nan, 'constant': zero + 3, 'dead': zero, 'detached': student.logits.detach().square().mean() + zero,
            'huge': 1e4 * student.logits.square().mean()}[self.fault]


def network(width=8, fault=None):
    return dict(
        type='ImageClassifier', backbone=dict(type='Tiny', width=width, fault=fault), neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=4, in_channels=width))


def trained_teacher():
    """The state of a `network(16)` that knows the squares, for images (x - 127.5) / 50 in RGB."""
    data = Squares(count=64, seed=5)
    images = torch.stack([torch.from_numpy(data.get_data_info(i)['img']) for i in range(64)]).permute(0, 3, 1, 2).float()
    labels = torch.tensor([data.get_data_info(i)['gt_label'] for i in range(64)])
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = ROOT.build(dict(network(16), _scope_='mmpretrain'))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model.head.fc(model.neck(model.backbone((images - 127.5) / 50))[-1]), labels).backward()
        optimizer.step()
    return model.state_dict()


CONFIG = """
default_scope = 'mmpretrain'
custom_imports = dict(imports=['support.coloured', 'mmkd_ext.hooks', 'mmkd_ext.models', 'mmkd_ext.datasets'], allow_failed_imports=False)
data_preprocessor = dict(type='ClsDataPreprocessor', num_classes=4, mean=[127.5] * 3, std=[50.0] * 3, to_rgb=False)
model = dict(
    type='mmkd_ext.OfflineDistiller', student={student}, input_size=8,
    teacher=dict(model={teacher}, checkpoint={checkpoint!r}),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0)))
train_dataloader = dict(
    batch_size=16, num_workers=0, collate_fn=dict(type='default_collate'), sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmengine.Squares', pipeline=[dict(type='PackInputs')]))
val_dataloader = dict(
    batch_size=16, num_workers=0, collate_fn=dict(type='default_collate'), sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmengine.Squares', count=32, seed=1, pipeline=[dict(type='PackInputs')]))
val_evaluator = dict(type='Accuracy')
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9))
train_cfg = dict(by_epoch=True, max_epochs=5, val_interval=1)
val_cfg = dict()
randomness = dict(seed=0)
"""


def write(folder, extra='', teacher=None, state=None):
    """A config with that teacher's network and weights; `extra` is Python that changes `model` and the rest."""
    folder.mkdir(exist_ok=True)
    torch.save(dict(state_dict=state), folder / 'teacher.pth')
    path = folder / 'planted.py'
    path.write_text(CONFIG.format(student=network(), teacher=teacher or network(16), checkpoint=str(folder / 'teacher.pth')) + extra + '\n')
    return path
