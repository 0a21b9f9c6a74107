"""TESKD on real images at CPU scale: the digits twin's narrow ResNet-18 on 300 images of Fashion-MNIST, about ten minutes on one core.

python tools/train.py configs/teskd/r18_fashion_mnist.py
"""

_base_ = [
    '../_base_/models/teskd_narrow_r18.py', '../_base_/datasets/fashion_mnist.py', '../_base_/schedules/digits.py',
    '../_base_/default_runtime.py']

model = dict(backbone=dict(in_channels=1))

# So few that the plain network does not saturate, in batches of one size, with the digits' schedule: 1800 steps.
train_dataloader = dict(batch_size=25, dataset=dict(indices=300))
train_cfg = dict(val_interval=50)
default_hooks = dict(checkpoint=dict(interval=50))
