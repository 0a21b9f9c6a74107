"""What schedulers, optimizer wrappers, averages and hooks write goes through every door: resume, test, export, teacher."""

from pathlib import Path

import mmengine
import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from support.registries import registered
from support.runs import one_thread, write_config
from support.schedulers import ARGUMENTS
from support.tiny_runs import same

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.datasets import Digits
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from tools import export_student, test, train

STUDENT = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64, loss=dict(type='CrossEntropyLoss')))  # fmt: skip
ARCFACE = dict(STUDENT, head=dict(type='ArcFaceClsHead', num_classes=10, in_channels=64))
DATA = dict(size=8, indices=20, serialize_data=False)
BASE = """
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student={student}, input_size=8, channel_order='rgb',
    teacher=dict(model='cifar/resnet8', checkpoint=None, allow_random=True, num_classes=10, channel_order='rgb'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
train_cfg = dict(max_epochs={epochs})
train_dataloader = dict(batch_size=10, dataset=dict(indices=20, samples_per_class=None, serialize_data=False))
val_dataloader = dict(dataset={data})
test_dataloader = dict(dataset={data})
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
default_hooks = dict(checkpoint=dict(save_best=None, max_keep_ckpts=-1))
"""
SGD = dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4)
ADAM = dict(type='AdamW', lr=0.01, weight_decay=0.1)
FLIPPED = [dict(type='RandomFlip', prob=1.0, direction='vertical'), dict(type='PackInputs')]
SMOOTH = dict(type='LabelSmoothLoss', label_smooth_val=0.5, num_classes=10)


def kinds():
    """Kind -> the registered schedulers of that kind, each of a number of the optimizer's groups that no other one moves."""
    found = {}
    for name in registered(PARAM_SCHEDULERS):
        kind = next(key for key in sorted(ARGUMENTS, key=len, reverse=True) if name.rpartition('.')[2].startswith(key))
        options = dict(ARGUMENTS[kind], by_epoch=False)
        if kind == 'ReduceOnPlateau':
            options.update(by_epoch=True, monitor='accuracy/top1', rule='greater', threshold=100.0, patience=0)  # never good enough
        if name == 'OneCycleParamScheduler':  # of learning rates only
            kind, options['param_name'] = 'OneCycle, the class below', 'lr'
        elif name.endswith('ParamScheduler'):
            options['param_name'] = 'dampening'
        found.setdefault(kind, []).append(dict(type=name, **options))
    return found


ROWS = {
    **{kind: dict(param_scheduler=schedulers) for kind, schedulers in kinds().items()},
    'two schedulers': dict(param_scheduler=[
        dict(type='LinearLR', start_factor=0.1, end=1, by_epoch=True, convert_to_iter_based=True),
        dict(type='CosineAnnealingLR', T_max=1, begin=1, end=2, by_epoch=True, convert_to_iter_based=True)]),
    'AmpOptimWrapper': dict(optim_wrapper=dict(type='AmpOptimWrapper', loss_scale='dynamic', optimizer=ADAM)),
    'accumulated and clipped': dict(optim_wrapper=dict(accumulative_counts=2, clip_grad=dict(max_norm=0.1), optimizer=ADAM)),
    'by layer': dict(optim_wrapper=dict(optimizer=ADAM, paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys=dict(head=dict(lr_mult=2.0))))),
    'Lamb': dict(optim_wrapper=dict(optimizer=dict(type='Lamb', lr=0.01))),
    'timm': dict(optim_wrapper=dict(optimizer=dict(type='timm.optim.Muon', lr=0.01))),
    **{name: dict(custom_hooks=[dict(type='EMAHook', ema_type=name)])
       for name in ('ExponentialMovingAverage', 'MomentumAnnealingEMA', 'StochasticWeightAverage')},
    'averaged buffers': dict(custom_hooks=[dict(type='mmpretrain.EMAHook', momentum=0.1, update_buffers=True, evaluate_on_origin=True)]),
    'SwitchRecipe': dict(custom_hooks=[dict(
        type='SwitchRecipeHook', schedule=[dict(action_epoch=2, loss=SMOOTH, train_pipeline=FLIPPED)])]),
    'SetAdaptiveMargins': dict(custom_hooks=[dict(type='SetAdaptiveMarginsHook', margin_min=0.1, margin_max=0.9)], student=ARCFACE),
    'PipelineSwitch': dict(custom_hooks=[dict(
        type='mmdet.PipelineSwitchHook', switch_epoch=1, switch_pipeline=[{**x, 'type': f'mmpretrain.{x["type"]}'} for x in FLIPPED])]),
    'EarlyStopping': dict(custom_hooks=[dict(  # after the third
        type='EarlyStoppingHook', monitor='accuracy/top1', rule='greater', min_delta=101, patience=2)]),
    'published': dict(default_hooks=dict(checkpoint=dict(published_keys=['state_dict', 'meta']))),
}  # fmt: skip
AFTER = {'ReduceOnPlateau': 3, 'EarlyStopping': 3}  # epochs; both count validations, of which the second is not in the second's file


def config_of(folder, row, epochs):
    row = dict(row)
    text = BASE.format(student=row.pop('student', STUDENT), data=DATA, epochs=epochs)
    optim_wrapper = dict(type='OptimWrapper', optimizer=SGD) | row.pop('optim_wrapper', {})
    values = dict(param_scheduler=[dict(type='ConstantLR', factor=0.5, end=2)], optim_wrapper=dict(optim_wrapper, _delete_=True)) | row
    return write_config(folder, text + ''.join(f'{key} = {value!r}\n' for key, value in values.items()))


@pytest.mark.parametrize('name', ROWS)
def test_a_checkpoint_goes_through_every_door(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True))  # half of the time goes into line breaks
    last = AFTER.get(name, 2)
    config = str(config_of(tmp_path, ROWS[name], 5 if name == 'EarlyStopping' else last))
    with one_thread():
        assert train.main([config, '--work-dir', 'whole']) == 0
        assert train.main([config, '--work-dir', 'resumed', '--resume', f'whole/epoch_{last - 1}.pth']) == 0
        assert {max(Path(folder).glob('epoch_?.pth')).name for folder in ('whole', 'resumed')} == {f'epoch_{last}.pth'}
        whole, resumed = (read_checkpoint(f'{folder}/epoch_{last}.pth') for folder in ('whole', 'resumed'))
        for key in ('state_dict', 'optimizer', 'param_schedulers', 'ema_state_dict'):
            assert (key in whole) == (key in resumed) and same(whole.get(key), resumed.get(key)), key
        assert len(list(Path('whole').glob('epoch_?-*.pth'))) == (name == 'published')
        for published in Path('whole').glob('epoch_?-*.pth'):
            assert same(read_checkpoint(published)['state_dict'], whole['state_dict'])

        file = f'whole/epoch_{last}.pth'
        assert test.main([config, file, '--out', 'said.pkl', '--work-dir', 'test']) == 0
        said = torch.stack([sample['pred_score'] for sample in mmengine.load('said.pkl')])
        assert export_student.main([config, file, 'out.pth']) == 0
    images = torch.stack([torch.from_numpy(each['img']) for each in Digits(split='test', **DATA)]).permute(0, 3, 1, 2)
    images = images / 127.5 - 1
    torch.testing.assert_close(scores(ROWS[name].get('student', STUDENT), 'out.pth', images), said)
    teacher = FrozenTeacher(dict(model=config, checkpoint=file))
    torch.testing.assert_close(teacher(images).logits.softmax(dim=1), said)


def scores(student, path, images):
    """What the plain network of a file says."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        network = MODELS.build(student).eval()
    network.load_state_dict(read_checkpoint(path)['state_dict'], strict=True)
    with torch.no_grad():
        said = network(images, [DataSample() for _ in images], mode='predict')
    return torch.stack([sample.pred_score for sample in said])


def test_every_scheduler_is_in_a_row():
    walked = {each['type'] for row in ROWS.values() if isinstance(row.get('param_scheduler'), list) for each in row['param_scheduler']}
    assert set(registered(PARAM_SCHEDULERS)) <= walked
