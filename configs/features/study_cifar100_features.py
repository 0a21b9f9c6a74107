r"""What features without labels are worth with a tenth of the labels: resnet8 on CIFAR-100, for a CPU; three paired seeds.

    python tools/study.py configs/features/study_cifar100_features.py --readme configs/features/README.md \
        --results configs/features/results/cifar100_cpu.json

resnet20 learns all labels, 8 epochs. Its features are taught to resnet8 on 10,000 images without labels, 8 epochs, for each seed anew; then
resnet8 learns 5,000 labels, 20 epochs, from that backbone or from scratch. A seed has the same order of images in both.
"""

_cosine = dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True)
_warmup = dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0)
_small = {'model.backbone.depth': 8}

study = dict(
    folder='cifar100_short',  # of the other short studies, whose teacher is the same
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    options={
        'train_cfg.max_epochs': 20,
        'train_cfg.val_interval': 5,
        'optim_wrapper.type': 'AmpOptimWrapper',
        'param_scheduler': [dict(**_warmup, end=79), dict(**_cosine, T_max=20)],
    },
    teachers=dict(resnet20=dict(
        config='configs/nd_loss/resnet20_cifar100.py',
        options={
            'train_cfg.max_epochs': 8,
            'train_cfg.val_interval': 4,
            'optim_wrapper.type': 'AmpOptimWrapper',
            'param_scheduler': [dict(**_warmup, end=391), dict(**_cosine, T_max=8)],
        })),
    variants={
        'from scratch': dict(config='configs/features/resnet20_tenth_cifar100.py', options=_small),
        'from features': dict(
            config='configs/features/finetune_resnet20_tenth_cifar100.py',
            options=_small,
            before=dict(
                config='configs/features/features_resnet20_resnet56_cifar100.py',
                teacher='resnet20',
                option='model.backbone.init_cfg.checkpoint',
                options={
                    'model.student': 'cifar/resnet8',
                    'model.teacher.model': 'cifar/resnet20',
                    'train_cfg.max_epochs': 8,
                    'train_cfg.val_interval': 4,
                    'train_dataloader.batch_size': 64,
                    'train_dataloader.dataset.indices': 10000,
                    'optim_wrapper.type': 'AmpOptimWrapper',
                    'param_scheduler': [dict(**_warmup, end=157), dict(**_cosine, T_max=8)],
                })),
    },
    differences={'from features': 'from scratch'})
