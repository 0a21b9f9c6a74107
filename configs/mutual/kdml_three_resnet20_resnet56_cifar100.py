"""KD and mutual learning on CIFAR-100: a ResNet-56 and three ResNet-20 train together. Not run here.

tools/train.py configs/mutual/kdml_three_resnet20_resnet56_cifar100.py
"""

_base_ = ['../_base_/datasets/cifar100.py', '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    type='mmkd_ext.MutualLearningDistiller',
    students=dict(first='cifar/resnet20', second='cifar/resnet20', third='cifar/resnet20'),
    teacher='cifar/resnet56',
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0),
        ml=dict(type='mmkd_ext.MutualLearningLoss', tau=1.0, loss_weight=1.0)))
