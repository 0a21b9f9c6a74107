"""ImageNet-1k at 224 px and the standard 100-epoch schedule.

TESKD's paper gives the transforms and batch 128 but neither epochs nor learning rate: these are the zoo's standard ones, scaled linearly
from batch 256 to 128.
"""

_base_ = ['mmpretrain::_base_/datasets/imagenet_bs32.py', './default_runtime.py']

train_dataloader = dict(batch_size=128, persistent_workers=False)
val_dataloader = dict(batch_size=128, persistent_workers=False)
test_dataloader = dict(batch_size=128, persistent_workers=False)

optim_wrapper = dict(
    type='AmpOptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=128)
