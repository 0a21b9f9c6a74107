"""MGD, the teacher's maps generated from masked ones, on CIFAR-100: resnet56 teaches resnet20. Not run here.

The mask and weight that repositories have for ImageNet (arXiv:2205.01529), there on the last map alone: three maps of CIFAR
have about as many values. The labels have their full weight, no ramp.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/kd/mgd_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 4)))),
    losses=dict(
        mgd=dict(type='mmkd_ext.MGDLoss', mask_ratio=0.15, loss_weight=7e-5)))
