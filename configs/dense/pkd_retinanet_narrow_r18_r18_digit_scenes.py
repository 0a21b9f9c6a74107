"""PKD on the digit scenes: the FPN's maps, stride by stride. The teacher has to be trained first.

python tools/train.py configs/dense/teacher_retinanet_r18_digit_scenes.py
python tools/train.py configs/dense/pkd_retinanet_narrow_r18_r18_digit_scenes.py
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
    losses=dict(pkd=dict(type='mmkd_ext.PKDLoss', loss_weight=6.0)))
optim_wrapper = dict(optimizer=dict(lr=0.01))
