"""KD on the digit scenes: the teacher's class scores at the queries that both match to the same boxes.

The teacher has to be trained first.

python tools/train.py configs/query/teacher_deformable_detr_r18_digit_scenes.py
python tools/train.py configs/query/kd_deformable_detr_narrow_r18_r18_digit_scenes.py
"""

_base_ = [
    '../_base_/models/deformable_detr_narrow_r18.py', '../_base_/datasets/digit_scenes_100.py',
    '../_base_/schedules/digit_scenes_96e.py', '../_base_/default_runtime_digit_scenes.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher=dict(
        model='configs/query/teacher_deformable_detr_r18_digit_scenes.py',
        checkpoint='work_dirs/teacher_deformable_detr_r18_digit_scenes/epoch_24.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=1e-4), clip_grad=dict(_delete_=True, max_norm=0.1, norm_type=2))
