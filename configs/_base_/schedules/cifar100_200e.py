"""TESKD's CIFAR-100 schedule: SGD 0.1, batch 128, 200 epochs, a tenth after 100 and 150, mixed precision."""

optim_wrapper = dict(
    type='AmpOptimWrapper',  # tools/train.py takes bfloat16 autocast where there is no GPU
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[100, 150], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=128)
