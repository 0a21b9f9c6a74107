"""KD on TinyImageNet: resnet34 teaches mobilenetv2. DSKD without what it adds. Not run here.

python tools/train.py configs/dskd/teacher_resnet34_tiny_imagenet.py
python tools/train.py configs/dskd/kd_mobilenetv2_resnet34_tiny_imagenet.py
"""

_base_ = 'mobilenetv2_tiny_imagenet.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/teacher_resnet34_tiny_imagenet.py',
        checkpoint='work_dirs/teacher_resnet34_tiny_imagenet/epoch_240.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
