"""A tiny distillation on digits, for tests of the command lines: its config with a teacher's file, its run, the terms that it logged."""

import json

import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS
from support.runs import one_thread, write_config

from mmkd_ext.commands import train

HEAD = dict(type='LinearClsHead', num_classes=10, in_channels=64)
NECK = dict(type='GlobalAveragePooling')
TEACHER = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=NECK,
    head=HEAD)
EXTRA = """
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student={student}, input_size=8,
    teacher=dict(model={teacher}, checkpoint='{checkpoint}'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=2.0)))
param_scheduler = dict(end=3)  # and not the shorter run's end
train_dataloader = dict(batch_size=16, dataset=dict(samples_per_class=4))
val_dataloader = dict(dataset=dict(indices=16))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=2), dict(type='mmkd_ext.ClassMeansHook')]
custom_imports = dict(imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.hooks', 'mmkd_ext.models'])
"""


def extra(folder, student='_base_.model', seed=0):
    """The lines of a config; the teacher's random weights of this seed are written into `folder`."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        network = MODELS.build(TEACHER)
    checkpoint = folder / f'teacher{seed}.pth'
    torch.save(dict(state_dict=network.state_dict()), checkpoint)
    return EXTRA.format(student=student, teacher=TEACHER, checkpoint=checkpoint)


def run(folder, text, work_dir, *options):
    """The config's path and the exit code."""
    path = write_config(folder, text)
    with one_thread():
        code = train.main([str(path), '--work-dir', work_dir, *options])
    return path, code


def logged(work_dir):
    """The terms of every iteration."""
    (file,) = work_dir.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in file.read_text().splitlines()]
    return [record for record in records if 'loss' in record]


TWELVE = """
metainfo = dict(classes=tuple('0123456789') + ('owl', 'emu'))
model = dict(student=dict(head=dict(num_classes=12)))
train_dataloader = dict(dataset=dict(metainfo=metainfo))
val_dataloader = dict(dataset=dict(metainfo=metainfo))
test_dataloader = dict(dataset=dict(metainfo=metainfo))
train_cfg = dict(max_epochs=2)
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook'), dict(type='mmkd_ext.InvalidLossHook'), dict(type='EMAHook')]
"""


def twelve_classes(folder):
    """A teacher and a student of twelve classes, two of which never occur."""
    teacher = dict(TEACHER, head=dict(HEAD, num_classes=12))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        torch.save(dict(state_dict=MODELS.build(teacher).state_dict()), folder / 'teacher.pth')
    (folder / 'ten.py').write_text("_base_ = ['base.py']\n" + EXTRA.format(
        student='_base_.model', teacher=teacher, checkpoint=folder / 'teacher.pth'))
    path = write_config(folder)
    path.write_text(f"_base_ = ['ten.py']\n{TWELVE}\n")
    return path
