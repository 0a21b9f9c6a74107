"""ImageNet-1k with KD++'s recipe: SGD 0.2 with Nesterov momentum for a batch of 512, 64 on each of 8 GPUs, float32.

Transforms, 100 epochs and the steps at 30, 60 and 90 are those of the base.
"""

_base_ = '../imagenet.py'

train_dataloader = dict(batch_size=64)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(lr=0.2, nesterov=True))
auto_scale_lr = dict(base_batch_size=512)
