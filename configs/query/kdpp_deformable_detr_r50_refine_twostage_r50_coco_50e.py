"""KD++ on COCO: Deformable DETR with box refinement and two stages teaches the plain one, both with ResNet-50. Not run here.

The weights are those of the two-stage recipes: no paper has this form for query detectors.

tools/dist_train.sh configs/query/kdpp_deformable_detr_r50_refine_twostage_r50_coco_50e.py 16
"""

_base_ = '../_base_/models/deformable_detr_r50_coco.py'

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::deformable_detr/deformable-detr-refine-twostage_r50_16xb2-50e_coco.py',
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
