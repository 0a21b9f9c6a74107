"""Ten classes from a teacher of ImageNet's 1,000, by its mapped logits, against the student alone; three paired seeds, for a CPU.

    python tools/study.py configs/mapped/study_imagenette.py --readme configs/mapped/README.md

2,000 images of Imagenette at 128 px, 8 epochs in bfloat16, all 3,925 validation images. The teacher was trained on most of the validation
images too (they are ImageNet's training images), the student never. A second teacher knows the ten classes alone, from all their 9,469
training images. In all variants a seed has the same initial student and the same order
of images.
"""

_kd = dict(config='configs/mapped/kd_narrow_resnet18_lite0_imagenette.py', options={'model.teacher.precision': 'bf16'})

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    same_start='configs/mapped/narrow_resnet18_imagenette.py',
    options={
        'train_cfg.max_epochs': 8,
        'train_cfg.val_interval': 8,
        'param_scheduler.1.T_max': 7,
        'optim_wrapper.type': 'AmpOptimWrapper',
        'custom_hooks': [dict(type='mmkd_ext.ChannelsLastHook')],
        'train_dataloader.num_workers': 0,
        'val_dataloader.num_workers': 0,
    },
    teachers=dict(resnet18=dict(
        config='configs/mapped/teacher_resnet18_imagenette.py',
        options={
            'optim_wrapper.type': 'AmpOptimWrapper',
            'custom_hooks': [dict(type='mmkd_ext.ChannelsLastHook')],
            'train_dataloader.num_workers': 0,
            'val_dataloader.num_workers': 0,
        })),
    variants={
        'alone': dict(config='configs/mapped/narrow_resnet18_imagenette.py'),
        'KD, 1,000 classes mapped to 10': _kd,
        'KD, a teacher of the 10 classes': dict(
            config='configs/mapped/kd_narrow_resnet18_resnet18_imagenette.py', teacher='resnet18',
            options={'model.teacher.precision': 'bf16'}),
    },
    differences={
        'KD, 1,000 classes mapped to 10': ['alone', 'KD, a teacher of the 10 classes'],
        'KD, a teacher of the 10 classes': 'alone',
    })
