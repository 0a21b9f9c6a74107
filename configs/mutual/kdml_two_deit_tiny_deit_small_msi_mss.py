"""MSI against MSS: a DeiT-S (a ViT-S/16) and two DeiT-Ti (ViT-Ti/16). Not run here.

MMKD_MSI_MSS=FOLDER tools/dist_train.sh configs/mutual/kdml_two_deit_tiny_deit_small_msi_mss.py 1

The pair is ours: the paper's networks are not known.
"""

_base_ = ['../_base_/mutual/msi_mss.py', '../_base_/datasets/msi_mss.py', '../_base_/default_runtime.py']

model = dict(
    students=dict(
        first=dict(model='mmpretrain::deit/deit-tiny_4xb256_in1k.py', num_classes=2, pretrained=True),
        second=dict(model='mmpretrain::deit/deit-tiny_4xb256_in1k.py', num_classes=2, pretrained=True)),
    teacher=dict(model='mmpretrain::deit/deit-small_4xb256_in1k.py', num_classes=2, pretrained=True))
