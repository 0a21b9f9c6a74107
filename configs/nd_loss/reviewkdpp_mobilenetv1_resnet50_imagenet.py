"""ReviewKD++ on ImageNet: ResNet-50 teaches MobileNetV1. Not run here.

tools/dist_train.sh configs/nd_loss/reviewkdpp_mobilenetv1_resnet50_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/mobilenetv1_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/hooks/ramp_5_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='torchvision/resnet50', options=dict(pre_activation=True)),
    losses=dict(
        kd=dict(
            type='mmkd_ext.ReviewKDLoss', student_stages=(1, 2, 3, 4), teacher_stages=(0, 1, 2, 3),
            loss_weight=8.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=4.0)))
