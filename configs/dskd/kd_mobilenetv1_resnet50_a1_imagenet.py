"""KD on ImageNet between two networks of timm: ResNet-50 teaches MobileNetV1. DSKD without what it adds. Not run here.

The recipe is that of configs/nd_loss/mobilenetv1_imagenet.py: neither pair nor data are the paper's.

tools/dist_train.sh configs/dskd/kd_mobilenetv1_resnet50_a1_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/mobilenetv1_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='timm/resnet50.a1_in1k'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
