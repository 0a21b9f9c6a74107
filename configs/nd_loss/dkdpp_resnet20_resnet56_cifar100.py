"""DKD++ on CIFAR-100: resnet56 teaches resnet20. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/nd_loss/dkdpp_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/hooks/ramp_20_class_means.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DKDLoss', tau=4.0, alpha=2.5, beta=4.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=3.5)))
