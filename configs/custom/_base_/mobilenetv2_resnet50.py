"""The fine-tuned ResNet-50 teaches a MobileNetV2 that starts from ImageNet's weights: everything but the losses."""

_base_ = ['mmpretrain::_base_/models/mobilenet_v2_1x.py', 'images.py']

_base_.model.head.update(num_classes=_base_.num_classes, topk=(1, ))
_base_.model.backbone.init_cfg = dict(
    type='Pretrained', prefix='backbone',
    checkpoint='https://mmassets.onedl.ai/mmclassification/v0/mobilenet_v2/mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth')
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/../teacher_finetune.py', checkpoint='work_dirs/teacher_finetune/epoch_30.pth'))
