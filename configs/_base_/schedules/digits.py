"""A small schedule for the embedded digits: the shape of the CIFAR one, 600 steps of 25 images, a minute on a CPU."""

optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.04, momentum=0.9, nesterov=True, weight_decay=5e-4))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[75, 112], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=150, val_interval=5)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=25)
