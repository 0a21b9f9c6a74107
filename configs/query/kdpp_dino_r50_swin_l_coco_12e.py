"""KD++ on COCO: DINO of 5 scales with Swin-L teaches that of 4 scales with ResNet-50. Not run here.

The weights are those of the two-stage recipes: no paper has this form for query detectors.

tools/dist_train.sh configs/query/kdpp_dino_r50_swin_l_coco_12e.py 8
"""

_base_ = '../_base_/models/dino_r50_coco.py'

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::dino/dino-5scale_swin-l_8xb2-12e_coco.py',
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
