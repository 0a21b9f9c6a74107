"""The student of the Cityscapes pair alone: PSPNet with ResNet-18, 40 000 steps of 16 crops of 512 x 512. Not run here.

tools/dist_train.sh configs/segmentation/pspnet_r18_cityscapes.py 4
"""

_base_ = [
    '../_base_/models/pspnet_r18.py', '../_base_/datasets/cityscapes_512x512.py', '../_base_/schedules/cityscapes_40k.py',
    '../_base_/default_runtime_seg_by_iter.py']
