"""KD++ on ImageNet: ViT-B/16 teaches ResNet-18. Not run here.

tools/dist_train.sh configs/nd_loss/kdpp_resnet18_vit_base_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/resnet18_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/hooks/ramp_5_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='timm/vit_base_patch16_224'),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=2.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
