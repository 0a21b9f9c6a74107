"""TESKD's small twin: a narrow CIFAR ResNet-18 on few handwritten digits, about a minute on two cores.

    python tools/train.py configs/teskd/r18_digits.py

100 training images (10 a class), so that the plain network does not saturate; 797 test images.
"""

_base_ = [
    '../_base_/models/teskd_narrow_r18.py', '../_base_/datasets/digits.py', '../_base_/schedules/digits.py',
    '../_base_/default_runtime.py']

# 25 divides the 100 images: a last batch of four would spoil the batch statistics.
train_dataloader = dict(batch_size=25, dataset=dict(samples_per_class=10))
default_hooks = dict(checkpoint=dict(interval=10))  # an epoch takes half a second
