"""KD on CIFAR-100: resnet32x4 teaches shufflenetv2. Not run here.

The field's weights (mdistiller): 0.9, 0.1 for the labels, no ramp.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/kd/kd_shufflenetv2_resnet32x4_cifar100.py
"""

_base_ = [
    '../_base_/distillers/shufflenetv2_resnet32x4_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e_lr002.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(head=dict(loss=dict(type='CrossEntropyLoss', loss_weight=0.1))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=0.9)))
