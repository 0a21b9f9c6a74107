"""KD on CIFAR-100: vgg13 teaches vgg8. DSKD without what it adds. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_cifar100.py
python tools/train.py configs/dskd/kd_vgg8_vgg13_b64_cifar100.py
"""

_base_ = 'vgg8_b64_cifar100.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='cifar/vgg13',
        checkpoint='work_dirs/teacher_vgg13_cifar100/epoch_240.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
