r"""What teacher and peers add on CIFAR-100: two resnet8 alone, with KD from resnet20, with mutual learning, with both; paired seeds.

    python tools/study.py configs/mutual/study_cifar100_short.py --readme configs/mutual/README.md \
        --results configs/mutual/results/cifar100_cpu.json

10,000 images, 8 epochs (configs/_base_/studies/cifar100_short.py), a teacher that was trained before and stays as it is. The metric is the
ensemble's, beside it the mean of the two students. In all variants a seed has the same two initial students and the same order of images.
"""

_base_ = '../_base_/studies/cifar100_short.py'

kd, ml = 'model.losses.kd.loss_weight', 'model.losses.ml.loss_weight'
_both = dict(config='configs/mutual/kdml_two_resnet8_resnet20_cifar100.py', teacher='resnet20')


def _with(**options):
    return dict(**_both, options={'model.freeze_teacher': True, **options})


study = dict(
    same_start=None,
    also={'one student': ['first/accuracy/top1', 'second/accuracy/top1']},
    variants=dict(
        _delete_=True,
        **{
            'independent students': _with(**{kd: 0.0, ml: 0.0}),
            'KD only': _with(**{ml: 0.0}),
            'ML only': _with(**{kd: 0.0}),
            'KD + ML': _with(),
        }),
    differences=dict(
        _delete_=True,
        **{
            'KD only': 'independent students',
            'ML only': 'independent students',
            'KD + ML': 'independent students',
        }))
