"""MSI against MSS: 30 epochs of AdamW, and a teacher and students that start from ImageNet. The networks are the difference."""

model = dict(
    type='mmkd_ext.MutualLearningDistiller',
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.0),
        ml=dict(type='mmkd_ext.MutualLearningLoss', tau=1.0, loss_weight=1.0)))

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=2, end=30, eta_min=1e-6)]
train_cfg = dict(by_epoch=True, max_epochs=30, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=64)
