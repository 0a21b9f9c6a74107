"""ResNet-18 alone on ImageNet: what the distilled ones are to be compared with. Not run here.

tools/dist_train.sh configs/nd_loss/resnet18_imagenet.py 8
"""

_base_ = [
    'mmpretrain::_base_/models/resnet18.py', '../_base_/datasets/imagenet_b64.py',
    '../_base_/schedules/imagenet_100e_b512.py', '../_base_/default_runtime.py']
