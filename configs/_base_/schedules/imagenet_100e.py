"""The standard 100 epochs on ImageNet, for a batch of 128, mixed precision.

TESKD's paper gives the transforms and batch 128 but neither epochs nor learning rate: these are the zoo's standard ones, scaled linearly
from batch 256 to 128.
"""

optim_wrapper = dict(
    type='AmpOptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=128)
