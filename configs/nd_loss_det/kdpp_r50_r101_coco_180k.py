"""KD++ on COCO: ResNet-101 teaches ResNet-50, KD and the ND loss. Not run here.

tools/dist_train.sh configs/nd_loss_det/kdpp_r50_r101_coco_180k.py 8
"""

_base_ = 'kd_r50_r101_coco_180k.py'

model = dict(losses=dict(nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
