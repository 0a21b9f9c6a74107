"""CWD on the digit scenes: where in the image the teacher sees each class. The teacher has to be trained first.

python tools/train.py configs/segmentation/teacher_pspnet_r18_digit_masks.py
python tools/train.py configs/segmentation/cwd_pspnet_narrow_r18_r18_digit_masks.py
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
    losses=dict(cwd=dict(type='mmkd_ext.CWDLoss', of='logits', tau=4.0, loss_weight=3.0)))
