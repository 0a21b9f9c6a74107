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
        'KD, z-scores': ['alone', 'KD'], 'DKD, z-scores': ['alone', 'KD'], 'TTM': ['alone', 'KD'], 'WTTM': ['alone', 'KD'],
        'PKD': 'alone', 'CWD': 'alone', 'MGD': 'alone', 'VkD': 'alone'})
