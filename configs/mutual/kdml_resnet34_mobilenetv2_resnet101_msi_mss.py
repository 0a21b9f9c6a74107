"""MSI against MSS: a ResNet-101, a ResNet-34 and a MobileNetV2. Not run here.

MMKD_MSI_MSS=FOLDER tools/dist_train.sh configs/mutual/kdml_resnet34_mobilenetv2_resnet101_msi_mss.py 1

The pair is ours: the paper's networks are not known.
"""

_base_ = ['../_base_/mutual/msi_mss.py', '../_base_/datasets/msi_mss.py', '../_base_/default_runtime.py']

model = dict(
    students=dict(
        resnet34=dict(model='mmpretrain::resnet/resnet34_8xb32_in1k.py', num_classes=2, pretrained=True),
        mobilenet=dict(model='mmpretrain::mobilenet_v2/mobilenet-v2_8xb32_in1k.py', num_classes=2, pretrained=True)),
    teacher=dict(model='mmpretrain::resnet/resnet101_8xb32_in1k.py', num_classes=2, pretrained=True))
