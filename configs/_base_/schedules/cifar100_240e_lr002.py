"""The KD field's CIFAR-100 schedule for MobileNetV2 and the ShuffleNets: SGD 0.02."""

_base_ = 'cifar100_240e.py'

optim_wrapper = dict(optimizer=dict(lr=0.02))
