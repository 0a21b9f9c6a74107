"""KD on CIFAR-100: wrn40_2 teaches wrn16_2. DSKD without what it adds. Not run here.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/dskd/kd_wrn16_2_wrn40_2_b64_cifar100.py
"""

_base_ = [
    '../_base_/distillers/wrn16_2_wrn40_2_cifar100.py', '../_base_/datasets/cifar100_b64.py',
    '../_base_/schedules/cifar100_240e_b64.py', '../_base_/default_runtime.py']

model = dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
