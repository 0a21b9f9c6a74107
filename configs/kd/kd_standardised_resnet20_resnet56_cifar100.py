"""KD of z-scores (logit standardisation) on CIFAR-100: resnet56 teaches resnet20. Not run here.

The paper's weights: 9 at temperature 2, 0.1 for the labels, no ramp (arXiv:2403.01427, 71.43 where KD has 70.66).

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/kd/kd_standardised_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(head=dict(loss=dict(type='CrossEntropyLoss', loss_weight=0.1))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=9.0, standardise=True)))
