"""DKD++ on ImageNet: ResNet-34 teaches ResNet-18. Not run here.

tools/dist_train.sh configs/nd_loss/dkdpp_resnet18_resnet34_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/resnet18_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/hooks/ramp_5_both_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='torchvision/resnet34'),
    losses=dict(
        kd=dict(type='mmkd_ext.DKDLoss', tau=1.0, alpha=0.8, beta=0.5),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
