"""DIST++ on CIFAR-100: resnet32x4 teaches resnet8x4. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/nd_loss/distpp_resnet8x4_resnet32x4_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet8x4_resnet32x4_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/hooks/ramp_20_class_means.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DISTLoss', tau=4.0, loss_weight=1.5),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=4.0)))
