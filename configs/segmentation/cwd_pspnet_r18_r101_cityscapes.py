"""CWD on Cityscapes: PSPNet with ResNet-101 teaches the one with ResNet-18, the logits as maps. Not run here.

Temperature and weight are the paper's for logits; crops, batch and steps too.

tools/dist_train.sh configs/segmentation/cwd_pspnet_r18_r101_cityscapes.py 4
"""

_base_ = [
    '../_base_/models/pspnet_r18.py', '../_base_/datasets/cityscapes_512x512.py', '../_base_/schedules/cityscapes_40k.py',
    '../_base_/default_runtime_seg_by_iter.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmseg::pspnet/pspnet_r101-d8_4xb2-80k_cityscapes-512x1024.py',
    losses=dict(cwd=dict(type='mmkd_ext.CWDLoss', of='logits', tau=4.0, loss_weight=3.0)))
