"""DSKD on ImageNet between two networks of timm: ResNet-50 teaches MobileNetV1. Not run here; not in the paper.

timm's networks show their stages without being asked; the student's first is the stem. For another pair: two other names.

tools/dist_train.sh configs/dskd/dskd_mobilenetv1_resnet50_a1_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/mobilenetv1_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='timm/resnet50.a1_in1k'),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0),
        dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0, student_stages=(1, 2, 3, 4))))
