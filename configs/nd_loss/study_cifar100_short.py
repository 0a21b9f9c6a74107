r"""KD, DKD, DIST and ReviewKD, and what ND adds to each, on CIFAR-100 with a CPU's budget; three paired seeds.

    python tools/study.py configs/nd_loss/study_cifar100_short.py --readme configs/nd_loss/README.md \
        --results configs/nd_loss/results/cifar100_cpu.json

resnet8 from resnet20, 10,000 images, 8 epochs (configs/_base_/studies/cifar100_short.py). No ramps. Each plain form has
the weights of its form with ND (the paper's), so that what differs is ND alone. In all variants a seed has the same initial student and the
same order of images.
"""

_base_ = '../_base_/studies/cifar100_short.py'


def _with(config, hooks, **options):
    small = {'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20', 'custom_hooks': hooks}
    return dict(config=f'configs/{config}_resnet20_resnet56_cifar100.py', teacher='resnet20', options={**small, **options})


_means = [dict(type='mmkd_ext.ClassMeansHook')]
_weight = 'model.losses.kd.loss_weight'

study = dict(
    variants={
        'KD++': _with('nd_loss/kdpp', _means),
        'KD, weight 16': dict(  # the best of 1, 4 and 16 at seed 100
            config='configs/dskd/kd_resnet20_resnet56_b64_cifar100.py', teacher='resnet20',
            options={'model.student.backbone.depth': 8, 'model.teacher.model': 'cifar/resnet20', _weight: 16.0}),
        'KD++, weight 16 of KD': _with('nd_loss/kdpp', _means, **{_weight: 16.0}),
        'DKD': _with('dkd/dkd', [], **{'model.losses.kd.alpha': 2.5, 'model.losses.kd.beta': 4.0}),
        'DKD++': _with('nd_loss/dkdpp', _means),
        'DIST': _with('dist/dist', []),
        'DIST++': _with('nd_loss/distpp', _means),
        'ReviewKD': _with('reviewkd/reviewkd', [], **{_weight: 1.2}),
        'ReviewKD++': _with('nd_loss/reviewkdpp', _means),
    },
    differences={
        'KD++': 'KD', 'KD++, weight 16 of KD': 'KD, weight 16', 'DKD': ['alone', 'KD'], 'DKD++': 'DKD', 'DIST': ['alone', 'KD'],
        'DIST++': 'DIST', 'ReviewKD': ['alone', 'KD'], 'ReviewKD++': 'ReviewKD'})
