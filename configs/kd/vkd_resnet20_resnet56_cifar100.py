"""VkD, embeddings behind an orthogonal projection, on CIFAR-100: resnet56 teaches resnet20. Not run here.

Our weight: the paper has none for CIFAR-100 (arXiv:2403.06213). The labels have their full
weight, no ramp.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/kd/vkd_resnet20_resnet56_cifar100.py
"""

_base_ = [
    '../_base_/distillers/resnet20_resnet56_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        vkd=dict(type='mmkd_ext.VkDLoss', loss_weight=1.0)))
