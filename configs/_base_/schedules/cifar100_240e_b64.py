"""The CIFAR-100 schedule of the DSKD group's other codes: SGD 0.05 without Nesterov momentum, batch 64."""

_base_ = 'cifar100_240e.py'

optim_wrapper = dict(optimizer=dict(lr=0.05, nesterov=False))
auto_scale_lr = dict(base_batch_size=64)
