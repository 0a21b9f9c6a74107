"""KD on the digit scenes: the teacher's class scores at each labelled pixel. The teacher has to be trained first.

python tools/train.py configs/segmentation/teacher_pspnet_r18_digit_masks.py
python tools/train.py configs/segmentation/kd_pspnet_narrow_r18_r18_digit_masks.py
"""

_base_ = [
    '../_base_/models/pspnet_narrow_r18.py', '../_base_/datasets/digit_masks_100.py',
    '../_base_/schedules/digit_masks_30e.py', '../_base_/default_runtime_digit_masks.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher=dict(
        model='configs/segmentation/teacher_pspnet_r18_digit_masks.py',
        checkpoint='work_dirs/teacher_pspnet_r18_digit_masks/epoch_12.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
