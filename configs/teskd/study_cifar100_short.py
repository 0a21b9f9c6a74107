r"""Plain network against TESKD on few images of CIFAR-100, with a CPU's budget; three paired seeds.

    python tools/study.py configs/teskd/study_cifar100_short.py --readme configs/teskd/README.md \
        --results configs/teskd/results/cifar100_cpu.json

A ResNet-18 of a quarter of its width, 2,000 images (20 of each class), all test images, 30 epochs: few images and many epochs, since TESKD
is to keep a network from learning its images by heart. In both variants a seed has the same initial network and the same order of images.
"""

_epochs, _images, _batch, _config = 30, 2000, 40, 'configs/teskd/narrow_r18_cifar100.py'

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    same_start=_config,
    options={
        'train_cfg.max_epochs': _epochs,
        'train_cfg.val_interval': 10,
        'train_dataloader.batch_size': _batch,
        'train_dataloader.dataset.indices': _images,
        'optim_wrapper.optimizer.lr': 0.05,
        'param_scheduler': [
            dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=_images // _batch),
            dict(type='CosineAnnealingLR', by_epoch=True, T_max=_epochs, convert_to_iter_based=True)],
    },
    variants=dict(plain=dict(config=_config, plain=True), TESKD=dict(config=_config)),
    differences=dict(TESKD='plain'))
