"""KD++ on COCO: ResNet-50 teaches MobileNetV2, KD and the ND loss. Not run here.

The weights are the paper's, whose schedule is another.

tools/dist_train.sh configs/nd_loss_det/kdpp_mobilenetv2_r50_coco_1x.py 8
"""

_base_ = 'kd_mobilenetv2_r50_coco_1x.py'

model = dict(losses=dict(nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
