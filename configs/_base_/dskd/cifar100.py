"""CIFAR-100 with the recipe of the group's other codes: SGD 0.05 without Nesterov momentum, batch 64, 240 epochs, float32.

Data, epochs and steps are those of the base.
"""

_base_ = '../nd_loss/cifar100.py'

train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=0.05, nesterov=False))
auto_scale_lr = dict(base_batch_size=64)
