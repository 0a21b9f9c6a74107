"""A tenth of CIFAR-100's training images with their labels: the first 5,000, of class folders 50 of each class."""

_base_ = 'cifar100.py'

train_dataloader = dict(batch_size=64, dataset=dict(indices=5000))
