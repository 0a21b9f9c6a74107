"""KD on CIFAR-100: resnet32x4 teaches resnet8x4. DSKD without what it adds. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/dskd/kd_resnet8x4_resnet32x4_b64_cifar100.py
"""

_base_ = 'resnet8x4_b64_cifar100.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='cifar/resnet32x4',
        checkpoint='work_dirs/teacher_resnet32x4_cifar100/epoch_240.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
