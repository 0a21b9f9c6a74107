"""TESKD, VGG-16 with BatchNorm on CIFAR-100, a 512-512-512 perceptron as the teacher's classifier. Not run here.

The stages are those after the second to fifth max-pooling (8, 4, 2, 1 px); the branches' strides are the paper's 4, 2, 1, which
end at 2 px.

python tools/train.py configs/teskd/vgg16_cifar100.py
"""

_base_ = [
    '../_base_/models/teskd_vgg16_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']
