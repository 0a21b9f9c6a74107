"""Fashion-MNIST, 28 px grey images of 10 kinds of clothes, the first 1000 training images and the whole test set.

mmpretrain's dataset class downloads it into data/fashion_mnist. On Debian without that network:
tools/dataset_converters/fashion_mnist_from_debian.sh data/fashion_mnist
"""

data_preprocessor = dict(num_classes=10, mean=[72.94], std=[90.02])

train_pipeline = [
    dict(type='RandomCrop', crop_size=28, padding=2),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        type='FashionMNIST', data_root='data/fashion_mnist', split='train', indices=1000, pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
# test_mode: mmpretrain's MNIST classes choose the file by it, and give the training images for split='test' alone.
val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(type='FashionMNIST', data_root='data/fashion_mnist', split='test', test_mode=True, pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, ))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
