"""The features of a vision transformer become those of resnet8, on 1000 digits without their labels; a minute on a CPU.

    python tools/train.py configs/features/teacher_vit_digits.py
    python tools/train.py configs/features/features_resnet8_vit_digits.py
    python tools/train.py configs/features/finetune_resnet8_digits.py

`knn/top1` and `probe/top1` say what the features are worth on the test images; `teacher/knn/top1` and `teacher/probe/top1` those of the
teacher.
"""

_base_ = ['../_base_/datasets/digits_unlabelled.py', '../_base_/default_runtime_digits.py']

model = dict(
    type='mmkd_ext.FeatureDistiller',
    student=dict(type='mmkd_ext.CIFARResNet', depth=8),
    teacher=dict(
        model='{{ fileDirname }}/teacher_vit_digits.py', checkpoint='work_dirs/teacher_vit_digits/epoch_30.pth'),
    losses=dict(
        token=dict(type='mmkd_ext.EmbeddingLoss', by='cosine'),
        patches=dict(type='mmkd_ext.MapLoss', by='cosine')),
    input_size=16)

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-3, weight_decay=0.05))
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=30, convert_to_iter_based=True)
train_cfg = dict(by_epoch=True, max_epochs=30, val_interval=5)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=64)
