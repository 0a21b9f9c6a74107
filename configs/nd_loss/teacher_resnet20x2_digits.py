"""The teacher of the digits twins: a ResNet-20 of twice the width (1.1 M parameters), on the same 100 images.

python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
"""

_base_ = [
    '../_base_/cifar_resnet8_digits.py', '../_base_/digits.py', '../_base_/schedule_digits.py',
    '../_base_/default_runtime.py'
]

model = dict(backbone=dict(depth=20, width=2), head=dict(in_channels=128))
train_dataloader = dict(batch_size=32, dataset=dict(samples_per_class=10))
default_hooks = dict(checkpoint=dict(interval=50, max_keep_ckpts=1))
