r"""DSKD against KD on every tenth class of TinyImageNet, five paired seeds, for a CPU.

    python tools/study.py configs/dskd/study_tiny_imagenet_20.py --readme configs/dskd/README.md \
        --results configs/dskd/results/tiny_imagenet_20_cpu.json

A ResNet-18 of a quarter of its width from one of half, 10,000 images of 64 px, 10 epochs in bfloat16, all 1,000 validation images of the
classes. (a) is the teacher's prediction on the shallow stages, (b) its feature map. In all variants a seed has the same initial student
and the same order of images.
"""

_pair = 'narrow_resnet18_half_resnet18_tiny_imagenet_20.py'
_bf16 = {'model.teacher.precision': 'bf16'}


def _dskd(**options):
    return dict(config=f'configs/dskd/dskd_{_pair}', teacher='half_resnet18', options={**_bf16, **options})


study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2, 3, 4],
    same_start='configs/dskd/narrow_resnet18_tiny_imagenet_20.py',
    options={'optim_wrapper.type': 'AmpOptimWrapper'},
    teachers=dict(half_resnet18=dict(
        config='configs/dskd/teacher_half_resnet18_tiny_imagenet_20.py', options={'optim_wrapper.type': 'AmpOptimWrapper'})),
    variants={
        'alone': dict(config='configs/dskd/narrow_resnet18_tiny_imagenet_20.py'),
        'KD': dict(config=f'configs/dskd/kd_{_pair}', teacher='half_resnet18', options=_bf16),
        'KD + (b)': _dskd(**{'model.losses.dskd.alpha': 0.0}),
        'KD + (a) + (b)': _dskd(),
    },
    differences={'KD': 'alone', 'KD + (b)': 'KD', 'KD + (a) + (b)': 'KD'})
