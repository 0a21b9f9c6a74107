"""ReviewKD++ on ImageNet: ResNet-152 teaches ResNet-18. Not run here.

tools/dist_train.sh configs/nd_loss/reviewkdpp_resnet18_resnet152_imagenet.py 8
"""

_base_ = [
    '../_base_/distillers/resnet18_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/hooks/ramp_5_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    teacher=dict(model='torchvision/resnet152', options=dict(pre_activation=True)),
    student=dict(backbone=dict(out_indices=(0, 1, 2, 3))),
    losses=dict(
        kd=dict(
            type='mmkd_ext.ReviewKDLoss', student_stages=(0, 1, 2, 3), teacher_stages=(0, 1, 2, 3),
            loss_weight=3.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
