r"""DIST against KD, and what ND adds to both, on CIFAR-100 with a CPU's budget; three paired seeds.

    python tools/study.py configs/nd_loss/study_cifar100_short.py --readme configs/nd_loss/README.md \
        --results configs/nd_loss/results/cifar100_cpu.json

resnet8 from resnet20, 10,000 images, 8 epochs (configs/_base_/studies/cifar100_short.py). No ramps: KD++ is KD with ND beside it, DIST++
is DIST with ND. In all variants a seed has the same initial student and the same order of images.
"""

_base_ = '../_base_/studies/cifar100_short.py'


def _with(config, hooks):
    small = {'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20', 'custom_hooks': hooks}
    return dict(config=f'configs/{config}_resnet20_resnet56_cifar100.py', teacher='resnet20', options=small)


_means = [dict(type='mmkd_ext.ClassMeansHook')]

study = dict(
    variants={
        'KD++': _with('nd_loss/kdpp', _means),
        'DIST': _with('dist/dist', []),
        'DIST++': _with('nd_loss/distpp', _means),
    },
    differences={'KD++': 'KD', 'DIST': ['alone', 'KD'], 'DIST++': 'DIST'})
