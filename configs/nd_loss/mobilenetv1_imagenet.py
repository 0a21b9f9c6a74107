"""MobileNetV1 alone on ImageNet: what the distilled ones are to be compared with. Not run here.

timm's, since mmpretrain has none: 4.2 M parameters and an embedding of 1024, as the paper's; its ReLU stops at 6.

tools/dist_train.sh configs/nd_loss/mobilenetv1_imagenet.py 8
"""

_base_ = [
    '../_base_/models/mobilenetv1_imagenet.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/default_runtime.py']
