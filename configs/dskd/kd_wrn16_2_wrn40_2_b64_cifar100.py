"""KD on CIFAR-100: wrn40_2 teaches wrn16_2. DSKD without what it adds. Not run here.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/dskd/kd_wrn16_2_wrn40_2_b64_cifar100.py
"""

_base_ = 'wrn16_2_b64_cifar100.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='cifar/wrn_40_2',
        checkpoint='work_dirs/teacher_wrn40_2_cifar100/epoch_240.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
