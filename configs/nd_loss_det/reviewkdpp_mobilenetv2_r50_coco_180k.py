"""ReviewKD++ on COCO: ResNet-50 teaches MobileNetV2, the FPN's maps and the ND loss, no class scores. Not run here.

tools/dist_train.sh configs/nd_loss_det/reviewkdpp_mobilenetv2_r50_coco_180k.py 8
"""

_base_ = 'kd_mobilenetv2_r50_coco_180k.py'

model = dict(
    losses=dict(
        kd=dict(_delete_=True, type='mmkd_ext.ReviewKDLoss', with_embedding=False, loss_weight=2.2),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
