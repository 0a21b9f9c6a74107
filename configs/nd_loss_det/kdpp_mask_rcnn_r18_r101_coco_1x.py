"""KD++ for a Mask R-CNN: its masks are learned as ever, its boxes are taught. Not run here; the weights are those of Faster R-CNN.

tools/dist_train.sh configs/nd_loss_det/kdpp_mask_rcnn_r18_r101_coco_1x.py 8
"""

_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']

_load = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)
_resize = dict(type='Resize', scale=(1333, 800), keep_ratio=True)
train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImageFromFile'), _load, _resize, dict(type='RandomFlip', prob=0.5), dict(type='PackDetInputs')]))
val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator

_base_.model.backbone.update(depth=18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'))
_base_.model.neck.update(in_channels=[64, 128, 256, 512])
model = dict(
    _delete_=True,
    type='mmkd_ext.TwoStageDistiller',
    student=_base_.model,
    teacher='mmdet::mask_rcnn/mask-rcnn_r101_fpn_1x_coco.py',
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
