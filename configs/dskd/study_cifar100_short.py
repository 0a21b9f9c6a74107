r"""What each part of DSKD adds to KD on CIFAR-100, and loss-based weights against uniform ones; three paired seeds.

    python tools/study.py configs/dskd/study_cifar100_short.py --readme configs/dskd/README.md \
        --results configs/dskd/results/cifar100_cpu.json

resnet8 from resnet20, 10,000 images, 8 epochs (configs/_base_/studies/cifar100_short.py). (a) is the teacher's prediction on the shallow
stages, (b) its feature map. In all variants a seed has the same initial student and the same order of images.
"""

_base_ = '../_base_/studies/cifar100_short.py'

_small = {'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20'}
a, b = 'model.losses.dskd.alpha', 'model.losses.dskd.beta'


def _with(**options):
    return dict(config='configs/dskd/dskd_resnet20_resnet56_cifar100.py', teacher='resnet20', options={**_small, **options})


study = dict(
    variants={
        'KD + (a)': _with(**{b: 0.0}),
        'KD + (b)': _with(**{a: 0.0}),
        'KD + (a) + (b)': _with(),
        'KD + (a) + (b), uniform weights': _with(**{'model.losses.dskd.strategy': 'uniform'}),
    },
    differences={
        'KD + (a)': 'KD',
        'KD + (b)': 'KD',
        'KD + (a) + (b)': ['KD', 'KD + (a) + (b), uniform weights'],
        'KD + (a) + (b), uniform weights': 'KD',
    })
