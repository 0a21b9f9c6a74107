"""KD on digits: ResNet-20x2 teaches ResNet-8. Train the teacher first; each takes about a minute on a CPU.

    python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
    python tools/train.py configs/nd_loss/kd_resnet8_resnet20x2_digits.py

Weights and temperature are those of resnet56 -> resnet20 on CIFAR-100; the ramp is 10 of 150 epochs (there 20 of 240).
"""

_base_ = 'resnet8_digits.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/teacher_resnet20x2_digits.py',
        checkpoint='work_dirs/teacher_resnet20x2_digits/epoch_30.pth'),
    input_size=16,
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=10)]
