"""PKD, Pearson correlation of the maps of three stages, on CIFAR-100: resnet56 teaches resnet20. Not run here.

Our weight: those that other libraries have are for detectors (6) (arXiv:2207.02039). The labels have their full
weight, no ramp.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/kd/pkd_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 4)))),
    losses=dict(
        pkd=dict(type='mmkd_ext.PKDLoss', loss_weight=1.0)))
