"""The student of the Cityscapes pair alone: DeepLabV3 with ResNet-18, 40 000 steps of 16 crops of 512 x 512. Not run here.

tools/dist_train.sh configs/segmentation/deeplabv3_r18_cityscapes.py 4
"""

_base_ = [
    '../_base_/models/deeplabv3_r18.py', '../_base_/datasets/cityscapes_512x512.py', '../_base_/schedules/cityscapes_40k.py',
    '../_base_/default_runtime_seg_by_iter.py']
