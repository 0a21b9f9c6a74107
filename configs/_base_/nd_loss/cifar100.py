"""CIFAR-100 as the KD field trains on it: its own mean and deviation, SGD 0.1, batch 128, 240 epochs, float32.

A network is the difference: its backbone and the width of its classifier.
"""

_base_ = ['../cifar100.py', '../default_runtime.py']

data_preprocessor = dict(
    mean=[129.3105, 124.1085, 112.4040],  # 255 * (0.5071, 0.4867, 0.4408)
    std=[68.2125, 65.4075, 70.4055])  # 255 * (0.2675, 0.2565, 0.2761)

model = dict(
    type='ImageClassifier',
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=100))

optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[150, 180, 210], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=240, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=128)
