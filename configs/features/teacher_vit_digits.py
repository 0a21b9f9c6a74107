"""The teacher of digits: timm's smallest vision transformer, 16 patches of 4 x 4 pixels and a class token. Half a minute on a CPU.

python tools/train.py configs/features/teacher_vit_digits.py
"""

_base_ = ['../_base_/datasets/digits.py', '../_base_/default_runtime_digits.py']

model = dict(
    type='TimmClassifier', model_name='test_vit', img_size=16, patch_size=4, num_classes=10, loss=dict(type='CrossEntropyLoss'))

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=32),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=30, convert_to_iter_based=True)]
train_cfg = dict(by_epoch=True, max_epochs=30, val_interval=5)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=64)
