"""KD on TinyImageNet: vgg13 teaches vgg8. DSKD without what it adds. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_tiny_imagenet.py
python tools/train.py configs/dskd/kd_vgg8_vgg13_tiny_imagenet.py
"""

_base_ = 'vgg8_tiny_imagenet.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/teacher_vgg13_tiny_imagenet.py',
        checkpoint='work_dirs/teacher_vgg13_tiny_imagenet/epoch_240.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
