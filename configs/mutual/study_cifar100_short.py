r"""What teacher and peers add on CIFAR-100: two resnet8 alone, with KD from resnet20, with mutual learning, with both; paired seeds.

    python tools/study.py configs/mutual/study_cifar100_short.py --readme configs/mutual/README.md \
        --results configs/mutual/results/cifar100_cpu.json

10,000 images and the teacher of configs/_base_/studies/cifar100_short.py, which was trained before and stays as it is, but 5 epochs; mutual
learning grows over all of them. The metric is the ensemble's, beside it the mean of the two students. In all variants a seed has the same
two initial students and the same order of images.
"""

_base_ = '../_base_/studies/cifar100_short.py'

_epochs, _images, _batch = 5, 10000, 64
kd, ml = 'model.losses.kd.loss_weight', 'model.losses.ml.loss_weight'
_both = dict(config='configs/mutual/kdml_two_resnet8_resnet20_cifar100.py', teacher='resnet20')
_frozen = {'model.freeze_teacher': True}
_ramp = {'custom_hooks': [dict(type='mmkd_ext.LossWarmupHook', loss='ml', epochs=_epochs)]}

study = dict(
    same_start=None,
    options={
        'train_cfg.max_epochs': _epochs,
        'train_cfg.val_interval': _epochs,
        'param_scheduler': [
            dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=_images // _batch + 1),
            dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True, T_max=_epochs)],
    },
    also={'one student': ['first/accuracy/top1', 'second/accuracy/top1']},
    variants=dict(
        _delete_=True,
        **{
            'independent students': dict(**_both, options={**_frozen, kd: 0.0, ml: 0.0}),
            'KD only': dict(**_both, options={**_frozen, ml: 0.0}),
            'ML only': dict(**_both, options={**_frozen, **_ramp, kd: 0.0}),
            'KD + ML': dict(**_both, options={**_frozen, **_ramp}),
        }),
    differences=dict(
        _delete_=True,
        **{
            'KD only': 'independent students',
            'ML only': 'independent students',
            'KD + ML': ['independent students', 'KD only', 'ML only'],
        }))
