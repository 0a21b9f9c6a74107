"""DeiT++ on ImageNet: DeiT and the ND loss on the mean of the class and distillation tokens. Not run here.

The projection to the teacher's 3024 channels is sized by looking; mixup and CutMix mix the class means as they mix the labels.

tools/dist_train.sh configs/nd_loss/deitpp_deit_base_regnety_160_imagenet.py 8
"""

_base_ = ['../_base_/distillers/deit_base_regnety_160_imagenet.py', '../_base_/hooks/ramp_5_class_means.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.HardKDLoss', loss_weight=0.5),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
