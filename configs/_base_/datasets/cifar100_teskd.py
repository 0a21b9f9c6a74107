"""CIFAR-100 with the mean and deviation of TESKD's released code."""

_base_ = 'cifar100.py'

data_preprocessor = dict(
    mean=[125.3070, 122.9610, 113.8575],  # 255 * (0.4914, 0.4822, 0.4465)
    std=[51.5865, 50.8470, 51.2550])  # 255 * (0.2023, 0.1994, 0.2010)
