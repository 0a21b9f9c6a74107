"""CIFAR-100 for a CPU: resnet8 alone and with KD from resnet20; 10,000 images (100 of each class), all test images, 8 epochs.

The teacher has seen all images, 8 epochs too. One epoch of warm-up, then a cosine. The studies with this base share one folder: what they
have in common is run once.
"""

_epochs, _images, _batch = 8, 10000, 64
_cosine = dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True)
_warmup = dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0)

study = dict(
    folder='cifar100_short',
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    same_start='configs/nd_loss/resnet8_cifar100.py',
    options={
        'train_cfg.max_epochs': _epochs,
        'train_cfg.val_interval': 4,
        'train_dataloader.batch_size': _batch,
        'train_dataloader.dataset.indices': _images,
        'optim_wrapper.type': 'AmpOptimWrapper',
        'optim_wrapper.optimizer.lr': 0.1,
        'optim_wrapper.optimizer.nesterov': True,
        'param_scheduler': [dict(**_warmup, end=_images // _batch + 1), dict(**_cosine, T_max=_epochs)],
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
        'alone': dict(config='configs/nd_loss/resnet8_cifar100.py'),
        'KD': dict(
            config='configs/dskd/kd_resnet20_resnet56_b64_cifar100.py', teacher='resnet20',
            options={'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20'}),
    },
    differences={'KD': 'alone'})
