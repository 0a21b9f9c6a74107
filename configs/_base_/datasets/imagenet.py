"""ImageNet-1k at 224 px, in batches of 128."""

_base_ = 'mmpretrain::_base_/datasets/imagenet_bs32.py'

train_dataloader = dict(batch_size=128, persistent_workers=False)
val_dataloader = dict(batch_size=128, persistent_workers=False)
test_dataloader = dict(batch_size=128, persistent_workers=False)
