"""KD on the digit scenes: the teacher's class scores at the student's positive anchors. The teacher has to be trained first.

python tools/train.py configs/dense/teacher_retinanet_r18_digit_scenes.py
python tools/train.py configs/dense/kd_retinanet_narrow_r18_r18_digit_scenes.py
"""

_base_ = [
    '../_base_/models/retinanet_narrow_r18.py', '../_base_/datasets/digit_scenes_100.py',
    '../_base_/schedules/digit_scenes_96e.py', '../_base_/default_runtime_digit_scenes.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher=dict(
        model='configs/dense/teacher_retinanet_r18_digit_scenes.py',
        checkpoint='work_dirs/teacher_retinanet_r18_digit_scenes/epoch_24.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
optim_wrapper = dict(optimizer=dict(lr=0.01))
