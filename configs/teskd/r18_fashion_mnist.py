"""TESKD on real images at CPU scale: the digits twin's narrow ResNet-18 on 1000 images of Fashion-MNIST, a few minutes on two cores.

python tools/train.py configs/teskd/r18_fashion_mnist.py
"""

_base_ = [
    '../_base_/teskd_narrow_r18.py', '../_base_/fashion_mnist.py', '../_base_/schedule_digits.py',
    '../_base_/default_runtime.py'
]

model = dict(backbone=dict(in_channels=1))

param_scheduler = dict(milestones=[20, 30])
train_cfg = dict(max_epochs=40, val_interval=10)
default_hooks = dict(checkpoint=dict(interval=10))
