r"""What each part of DSKD adds to KD on CIFAR-100, and the four ways of weighting by losses; three paired seeds.

    python tools/study.py configs/dskd/study_cifar100_short.py --readme configs/dskd/README.md \
        --results configs/dskd/results/cifar100_cpu.json

resnet8 from resnet20, 10,000 images, 8 epochs (configs/_base_/studies/cifar100_short.py). (a) is the teacher's prediction on the shallow
stages, (b) its feature map. In all variants a seed has the same initial student and the same order of images.
"""

_base_ = '../_base_/studies/cifar100_short.py'

_small = {'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20'}
a, b = 'model.losses.dskd.alpha', 'model.losses.dskd.beta'
_others = {'uniform': 'uniform', 'proportional': 'proportional', 'inverse softmax': 'inverse_softmax'}  # softmax is the default


def _with(**options):
    return dict(config='configs/dskd/dskd_resnet20_resnet56_cifar100.py', teacher='resnet20', options={**_small, **options})


study = dict(
    variants={
        'KD + (a)': _with(**{b: 0.0}),
        'KD + (b)': _with(**{a: 0.0}),
        'KD + (a) + (b)': _with(),
        **{f'KD + (a) + (b), {name} weights': _with(**{'model.losses.dskd.strategy': strategy}) for name, strategy in _others.items()},
    },
    differences={
        'KD + (a)': 'KD',
        'KD + (b)': 'KD',
        'KD + (a) + (b)': ['KD', *(f'KD + (a) + (b), {name} weights' for name in _others)],
        **{f'KD + (a) + (b), {name} weights': 'KD' for name in _others},
    })
