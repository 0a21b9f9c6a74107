"""resnet20 on a tenth of CIFAR-100's labels, from a backbone that learned a teacher's features without labels. Not run here.

    python tools/train.py configs/features/finetune_resnet20_tenth_cifar100.py

configs/features/features_resnet20_resnet56_cifar100.py trains the backbone.
"""

_base_ = [
    '../_base_/models/resnet20_cifar100.py', '../_base_/datasets/cifar100_tenth.py', '../_base_/schedules/cifar100_240e.py',
    '../_base_/default_runtime.py']

model = dict(backbone=dict(init_cfg=dict(
    type='Pretrained', checkpoint='work_dirs/features_resnet20_resnet56_cifar100/epoch_100.pth', prefix='backbone.')))
