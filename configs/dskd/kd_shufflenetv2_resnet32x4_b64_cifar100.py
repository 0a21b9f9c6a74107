"""KD on CIFAR-100: resnet32x4 teaches shufflenetv2. DSKD without what it adds. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/dskd/kd_shufflenetv2_resnet32x4_b64_cifar100.py
"""

_base_ = [
    '../_base_/distillers/shufflenetv2_resnet32x4_cifar100.py', '../_base_/datasets/cifar100_b64.py',
    '../_base_/schedules/cifar100_240e_b64_lr001.py', '../_base_/default_runtime.py']

model = dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
