"""KD++ on ImageNet: ResNet-101 teaches ResNet-18. Not run here.

tools/dist_train.sh configs/nd_loss/kdpp_resnet18_resnet101_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/resnet18_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/hooks/ramp_5_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='torchvision/resnet101'),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=3.5),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=4.0)))
