"""DKD of z-scores (logit standardisation) on CIFAR-100: resnet56 teaches resnet20. Not run here.

The paper's: DKD's own weights nine times at temperature 2 (arXiv:2403.01427, 72.32 where DKD has 71.97).

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/dkd/dkd_standardised_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/hooks/ramp_20.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DKDLoss', tau=2.0, alpha=1.0, beta=2.0, loss_weight=9.0, standardise=True)))
