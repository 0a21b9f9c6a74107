"""KD++'s recipe on ImageNet: SGD 0.2 with Nesterov momentum for a batch of 512, float32; epochs and steps are the base's."""

_base_ = 'imagenet_100e.py'

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(lr=0.2, nesterov=True))
auto_scale_lr = dict(base_batch_size=512)
