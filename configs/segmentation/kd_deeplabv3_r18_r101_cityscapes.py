"""KD on Cityscapes: DeepLabV3 with ResNet-101 teaches the one with ResNet-18, class scores at each labelled pixel. Not run here.

The weight is a first guess, and no paper's.

tools/dist_train.sh configs/segmentation/kd_deeplabv3_r18_r101_cityscapes.py 4
"""

_base_ = [
    '../_base_/models/deeplabv3_r18.py', '../_base_/datasets/cityscapes_512x512.py', '../_base_/schedules/cityscapes_40k.py',
    '../_base_/default_runtime_seg_by_iter.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmseg::deeplabv3/deeplabv3_r101-d8_4xb2-80k_cityscapes-512x1024.py',
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
