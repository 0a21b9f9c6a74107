"""DKD++ on ImageNet: ResNet-50 teaches MobileNetV1. Not run here.

tools/dist_train.sh configs/nd_loss/dkdpp_mobilenetv1_resnet50_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/mobilenetv1_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/hooks/ramp_5_both_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='torchvision/resnet50'),
    losses=dict(
        kd=dict(type='mmkd_ext.DKDLoss', tau=1.0, alpha=0.8, beta=1.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
