"""KD on ImageNet: ResNet-101 teaches ResNet-18. Not run here.

The field's weights (mdistiller): a half each for the teacher and the labels, no ramp.

tools/dist_train.sh configs/kd/kd_resnet18_resnet101_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/resnet18_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='torchvision/resnet101'),
    student=dict(head=dict(loss=dict(loss_weight=0.5))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=0.5)))
