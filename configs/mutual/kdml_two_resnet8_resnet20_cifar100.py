"""KD and mutual learning on CIFAR-100 for a CPU: a ResNet-20 and two ResNet-8 train together. Not run here as it is.

tools/train.py configs/mutual/kdml_two_resnet8_resnet20_cifar100.py

study_cifar100_short.py beside it ran it with few images, 5 epochs.
"""

_base_ = ['../_base_/datasets/cifar100.py', '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    type='mmkd_ext.MutualLearningDistiller',
    students=dict(first='cifar/resnet8', second='cifar/resnet8'),
    teacher=dict(model='cifar/resnet20'),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0),
        ml=dict(type='mmkd_ext.MutualLearningLoss', tau=1.0, loss_weight=1.0)))
