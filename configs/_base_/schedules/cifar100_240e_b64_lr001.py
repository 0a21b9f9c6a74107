"""The same as cifar100_240e_b64.py for MobileNetV2 and ShuffleNetV2: SGD 0.01."""

_base_ = 'cifar100_240e.py'

optim_wrapper = dict(optimizer=dict(lr=0.01, nesterov=False))
auto_scale_lr = dict(base_batch_size=64)
