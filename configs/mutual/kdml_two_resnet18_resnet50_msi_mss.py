"""MSI against MSS: a ResNet-50 and two ResNet-18. Not run here.

MMKD_MSI_MSS=FOLDER tools/dist_train.sh configs/mutual/kdml_two_resnet18_resnet50_msi_mss.py 1

The pair is ours: the paper's networks are not known.
"""

_base_ = ['../_base_/mutual/msi_mss.py', '../_base_/datasets/msi_mss.py', '../_base_/default_runtime.py']

model = dict(
    students=dict(
        first=dict(model='mmpretrain::resnet/resnet18_8xb32_in1k.py', num_classes=2, pretrained=True),
        second=dict(model='mmpretrain::resnet/resnet18_8xb32_in1k.py', num_classes=2, pretrained=True)),
    teacher=dict(model='mmpretrain::resnet/resnet50_8xb32_in1k.py', num_classes=2, pretrained=True))
