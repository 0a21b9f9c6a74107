"""The teacher: a ResNet-50 from ImageNet's weights, fine-tuned on your images. Not run here.

python tools/train.py configs/custom/teacher_finetune.py

Data and number of classes: configs/custom/_base_/images.py. Change first: optim_wrapper.optimizer.lr, train_cfg.max_epochs.
"""

_base_ = ['mmpretrain::_base_/models/resnet50.py', '_base_/images.py', '_base_/schedule.py', '../_base_/default_runtime.py']

model = dict(
    backbone=dict(init_cfg=dict(
        type='Pretrained', prefix='backbone',
        checkpoint='https://mmassets.onedl.ai/mmclassification/v0/resnet/resnet50_8xb32_in1k_20210831-ea4938fc.pth')),
    head=dict(num_classes=_base_.num_classes, topk=(1, )))
