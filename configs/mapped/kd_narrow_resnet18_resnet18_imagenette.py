"""KD from a teacher that was trained on Imagenette's ten classes, for comparison with one that knows ImageNet's 1,000.

python tools/train.py configs/mapped/teacher_resnet18_imagenette.py
python tools/train.py configs/mapped/kd_narrow_resnet18_resnet18_imagenette.py
"""

_base_ = [
    '../_base_/models/narrow_resnet18_imagenette.py', '../_base_/datasets/imagenette.py', '../_base_/schedules/imagenette_12e.py',
    '../_base_/default_runtime.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/teacher_resnet18_imagenette.py', checkpoint='work_dirs/teacher_resnet18_imagenette/epoch_6.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0)))
