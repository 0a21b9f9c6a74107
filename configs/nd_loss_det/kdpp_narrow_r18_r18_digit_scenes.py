"""KD++ on the digit scenes: KD and the ND loss. The teacher has to be trained first.

python tools/train.py configs/nd_loss_det/teacher_r18_digit_scenes.py
python tools/train.py configs/nd_loss_det/kdpp_narrow_r18_r18_digit_scenes.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_narrow_r18.py', '../_base_/datasets/digit_scenes_100.py',
    '../_base_/schedules/digit_scenes_96e.py', '../_base_/default_runtime_digit_scenes.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.TwoStageDistiller',
    student=_base_.model,
    teacher=dict(
        model='configs/nd_loss_det/teacher_r18_digit_scenes.py',
        checkpoint='work_dirs/teacher_r18_digit_scenes/epoch_24.pth'),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
