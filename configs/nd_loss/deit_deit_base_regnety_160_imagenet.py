"""DeiT on ImageNet: RegNetY-16GF teaches DeiT-B's distillation token its decisions. Not run here.

As in DeiT++, which differs in ND alone: labels 1, decisions 0.5 after a ramp of 5 epochs (DeiT's paper has a half each).

tools/dist_train.sh configs/nd_loss/deit_deit_base_regnety_160_imagenet.py 8
"""

_base_ = ['../_base_/distillers/deit_base_regnety_160_imagenet.py', '../_base_/hooks/ramp_5.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.HardKDLoss', loss_weight=0.5)))
