"""KD on CIFAR-100: vgg13 teaches vgg8. DSKD without what it adds. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_cifar100.py
python tools/train.py configs/dskd/kd_vgg8_vgg13_b64_cifar100.py
"""

_base_ = [
    '../_base_/distillers/vgg8_vgg13_cifar100.py', '../_base_/datasets/cifar100_b64.py',
    '../_base_/schedules/cifar100_240e_b64.py', '../_base_/default_runtime.py']

model = dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
