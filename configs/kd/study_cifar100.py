r"""The losses beside KD on CIFAR-100 with a CPU's budget: z-scores, TTM, WTTM, PKD, CWD, MGD, VkD; three paired seeds.

    python tools/study.py configs/kd/study_cifar100.py --readme configs/kd/README.md

resnet8 from resnet20, 10,000 images, 8 epochs (configs/_base_/studies/cifar100_short.py), no ramps. In all variants a seed has the same
initial student and the same order of images.
"""

_base_ = '../_base_/studies/cifar100_short.py'


def _of(name, folder='kd'):
    small = {'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20', 'custom_hooks': []}
    return dict(config=f'configs/{folder}/{name}_resnet20_resnet56_cifar100.py', teacher='resnet20', options=small)


study = dict(
    variants={
        'KD, weight 16': dict(  # the best of 1, 4 and 16 at seed 100
            config='configs/dskd/kd_resnet20_resnet56_b64_cifar100.py', teacher='resnet20',
            options={'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20', 'model.losses.kd.loss_weight': 16.0}),
        'KD, z-scores': _of('kd_standardised'),
        'DKD, z-scores': _of('dkd_standardised', 'dkd'),
        'TTM': _of('ttm'),
        'WTTM': _of('wttm'),
        'PKD': _of('pkd'),
        'CWD': _of('cwd'),
        'MGD': _of('mgd'),
        'VkD': _of('vkd'),
    },
    differences={
        'KD, weight 16': ['alone', 'KD'],
        **{name: ['alone', 'KD', 'KD, weight 16'] for name in ('KD, z-scores', 'DKD, z-scores', 'TTM', 'WTTM')},
        'PKD': 'alone', 'CWD': 'alone', 'MGD': 'alone', 'VkD': 'alone'})
