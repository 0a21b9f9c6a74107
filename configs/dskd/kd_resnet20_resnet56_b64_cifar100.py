"""KD on CIFAR-100: resnet56 teaches resnet20. DSKD without what it adds. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/dskd/kd_resnet20_resnet56_b64_cifar100.py
"""

_base_ = 'resnet20_b64_cifar100.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='cifar/resnet56',
        checkpoint='work_dirs/teacher_resnet56_cifar100/epoch_240.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
