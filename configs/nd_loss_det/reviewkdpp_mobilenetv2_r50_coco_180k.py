"""ReviewKD++ on COCO: ResNet-50 teaches MobileNetV2, the FPN's maps and the ND loss, no class scores. Not run here.

tools/dist_train.sh configs/nd_loss_det/reviewkdpp_mobilenetv2_r50_coco_180k.py 8
"""

_base_ = [
    '../_base_/models/faster_rcnn_mobilenetv2.py', '../_base_/datasets/coco_180k.py',
    '../_base_/schedules/coco_180k.py', '../_base_/default_runtime_det_by_iter.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.TwoStageDistiller',
    student=_base_.model,
    teacher='mmdet::faster_rcnn/faster-rcnn_r50_fpn_2x_coco.py',
    losses=dict(
        kd=dict(type='mmkd_ext.ReviewKDLoss', with_embedding=False, loss_weight=2.2),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
