"""The student of the digits twins alone: what the distilled ones are to be compared with.

python tools/train.py configs/nd_loss/resnet8_digits.py
"""

_base_ = [
    '../_base_/cifar_resnet8_digits.py', '../_base_/digits.py', '../_base_/schedule_digits.py',
    '../_base_/default_runtime.py'
]

train_dataloader = dict(batch_size=32, dataset=dict(samples_per_class=10))
default_hooks = dict(checkpoint=dict(interval=50, max_keep_ckpts=1))
