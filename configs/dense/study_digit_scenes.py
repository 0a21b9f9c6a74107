r"""What distillation adds to a RetinaNet of digit scenes: KD, KD++, PKD, MGD and CrossKD beside the student alone; three paired seeds.

    python tools/study.py configs/dense/study_digit_scenes.py --readme configs/dense/README.md \
        --results configs/dense/results/digit_scenes_cpu.json

The student sees 100 scenes 36 times; the teacher, which is trained first, 400 scenes 12 times. In all variants a seed has the same initial
student and the same order of images. Some two minutes a run on one core.
"""

_warmup = dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50)
_page = 'configs/dense/%s_retinanet_narrow_r18_r18_digit_scenes.py'

study = dict(
    metric='coco/bbox_mAP',
    unit='percent',
    seeds=[0, 1, 2],
    same_start='configs/dense/retinanet_narrow_r18_digit_scenes.py',
    options={
        'train_cfg.max_epochs': 36,
        'train_cfg.val_interval': 12,
        'param_scheduler': [_warmup, dict(type='MultiStepLR', by_epoch=True, milestones=[24, 32], gamma=0.1)],
    },
    teachers=dict(r18=dict(
        config='configs/dense/teacher_retinanet_r18_digit_scenes.py',
        options={
            'train_cfg.max_epochs': 12,
            'train_cfg.val_interval': 12,
            'param_scheduler': [_warmup, dict(type='MultiStepLR', by_epoch=True, milestones=[8, 11], gamma=0.1)],
        })),
    variants={
        'alone': dict(config='configs/dense/retinanet_narrow_r18_digit_scenes.py'),
        'KD': dict(config=_page % 'kd', teacher='r18'),
        'KD++': dict(config=_page % 'kdpp', teacher='r18'),
        'PKD': dict(config=_page % 'pkd', teacher='r18'),
        'MGD': dict(
            config=_page % 'kd', teacher='r18',
            options={'model.losses.kd': None, 'model.losses.mgd': dict(type='mmkd_ext.MGDLoss', loss_weight=2e-5)}),
        'CrossKD': dict(
            config=_page % 'kd', teacher='r18',
            options={'model.losses.kd': None, 'model.losses.crosskd': dict(type='mmkd_ext.CrossKDLoss', loss_weight=1.0)}),
    },
    differences={'KD': 'alone', 'KD++': ['alone', 'KD'], 'PKD': 'alone', 'MGD': 'alone', 'CrossKD': 'alone'})
