"""CWD, where each channel of three stages looks, on CIFAR-100: resnet56 teaches resnet20. Not run here.

Our weight and temperature: other libraries' are for detectors (tau 1 and 10) (arXiv:2011.13256). The labels have their full
weight, no ramp.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/kd/cwd_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 4)))),
    losses=dict(
        cwd=dict(type='mmkd_ext.CWDLoss', tau=4.0, loss_weight=1.0)))
