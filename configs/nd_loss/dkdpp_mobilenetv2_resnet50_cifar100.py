"""DKD++ on CIFAR-100: resnet50 teaches mobilenetv2. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet50_cifar100.py
python tools/train.py configs/nd_loss/dkdpp_mobilenetv2_resnet50_cifar100.py
"""

_base_ = [
    '../_base_/distillers/mobilenetv2_resnet50_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e_lr002.py', '../_base_/hooks/ramp_20_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DKDLoss', tau=4.0, alpha=0.5, beta=8.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
