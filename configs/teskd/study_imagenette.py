r"""Plain network against TESKD on ten classes of ImageNet, with a CPU's budget; three paired seeds.

    python tools/study.py configs/teskd/study_imagenette.py --readme configs/teskd/README.md \
        --results configs/teskd/results/imagenette_cpu.json

A ResNet-18 of a quarter of its width, 2,000 images of 128 px (200 of each class), all 3,925 validation images, 30 epochs. In both variants
a seed has the same initial network and the same order of images.
"""

_config = 'configs/teskd/narrow_r18_imagenette.py'

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    same_start=_config,
    options={
        'train_cfg.max_epochs': 30,
        'train_cfg.val_interval': 10,
        'param_scheduler.1.T_max': 29,
        'custom_hooks': [dict(type='mmkd_ext.ChannelsLastHook')],
        'train_dataloader.num_workers': 0,
        'val_dataloader.num_workers': 0,
    },
    variants={
        'plain': dict(config=_config, plain=True),
        'TESKD': dict(config=_config),
    },
    differences={'TESKD': 'plain'})
