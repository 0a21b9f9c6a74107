"""The same for MobileNetV2: SGD 0.01."""

_base_ = 'tiny_imagenet_240e.py'

optim_wrapper = dict(optimizer=dict(lr=0.01))
