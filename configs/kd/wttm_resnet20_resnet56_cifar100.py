"""WTTM (weighted transformed teacher matching) on CIFAR-100: resnet56 teaches resnet20. Not run here.

The weight and the exponent are those that the paper's public page has beside CRD; those of this pair alone were not found
(arXiv:2402.11148, 71.92 where KD has 70.66). The labels have their full weight, no ramp.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/kd/wttm_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        wttm=dict(type='mmkd_ext.TTMLoss', gamma=0.2, weighted=True, loss_weight=4.0)))
