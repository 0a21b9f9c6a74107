"""ND's part on CIFAR-100: resnet20 alone and taught by resnet56 with and without it, in pairs; short enough for a coffee on a GPU.

    python tools/study.py configs/nd_loss/study_cifar100_pairs.py --jobs 8 --plot --readme configs/nd_loss/README.md

20,000 of the training images (200 of each class), all test images, 14 epochs; ramps shrunk with the schedule. `--full`: all images, 240
epochs, the paper's schedule and ramps. On two CPU cores set MMKD_EPOCHS=4 and use --jobs 1 (about ten minutes a run).
"""

import os

_epochs, _images = int(os.environ.get('MMKD_EPOCHS', 14)), 20000


def _schedule(epochs, batch):
    return {
        'train_cfg.max_epochs': epochs,
        'train_cfg.val_interval': max(1, epochs // 6),
        'train_dataloader.batch_size': batch,
        'train_dataloader.dataset.indices': _images,
        'optim_wrapper.type': 'AmpOptimWrapper',
        'param_scheduler': [
            dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=_images // batch + 1),
            dict(type='CosineAnnealingLR', by_epoch=True, T_max=epochs, convert_to_iter_based=True)],
    }


_ramp = {'custom_hooks.0.epochs': max(1, round(_epochs / 12))}
_without = {'model.losses.nd.loss_weight': 0.0}


def _pp(loss, **options):
    return dict(config=f'configs/nd_loss/{loss}pp_resnet20_resnet56_cifar100.py', teacher='resnet56', options={**_ramp, **options})


_plain = {
    name: dict(config=f'configs/{name.lower()}/{name.lower()}_resnet20_resnet56_cifar100.py', teacher='resnet56',
               options={} if name == 'KD' else _ramp)  # the field's KD has no ramp
    for name in ('KD', 'DKD', 'DIST', 'ReviewKD')}

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    same_start='configs/nd_loss/resnet20_cifar100.py',
    options=_schedule(_epochs, 128),
    teachers=dict(resnet56=dict(
        config='configs/nd_loss/teacher_resnet56_cifar100.py',
        options={**_schedule(2 * _epochs, 512), 'optim_wrapper.optimizer.lr': 0.3})),
    variants={
        'alone': dict(config='configs/nd_loss/resnet20_cifar100.py'),
        **_plain,
        'KD++': _pp('kd'), 'KD++ without ND': _pp('kd', **_without),
        'DKD++': _pp('dkd'), 'DKD++ without ND': _pp('dkd', **_without),
        'DIST++': _pp('dist'), 'DIST++ without ND': _pp('dist', **_without),
        'ReviewKD++': _pp('reviewkd'), 'ReviewKD++ without ND': _pp('reviewkd', **_without),
    },
    differences={
        **{name: 'alone' for name in ('KD', 'DKD', 'DIST', 'ReviewKD', 'KD++ without ND')},
        **{f'{name}++': f'{name}++ without ND' for name in ('KD', 'DKD', 'DIST', 'ReviewKD')},
    },
    full=dict(
        options={
            'train_cfg.max_epochs': 240, 'train_cfg.val_interval': 10, 'train_dataloader.dataset.indices': None,
            'optim_wrapper.type': 'OptimWrapper',
            'param_scheduler': dict(type='MultiStepLR', by_epoch=True, milestones=[150, 180, 210], gamma=0.1)},
        teachers=dict(resnet56=dict(options={
            'train_cfg.max_epochs': 240, 'train_dataloader.batch_size': 128, 'train_dataloader.dataset.indices': None,
            'optim_wrapper.optimizer.lr': 0.1, 'optim_wrapper.type': 'OptimWrapper',
            'param_scheduler': dict(type='MultiStepLR', by_epoch=True, milestones=[150, 180, 210], gamma=0.1)})),
        variants={f'{name}{end}': dict(options={'custom_hooks.0.epochs': 20})
                  for name in ('KD', 'DKD', 'DIST', 'ReviewKD') for end in ('', '++', '++ without ND') if name + end != 'KD'}),
)
