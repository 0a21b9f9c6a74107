"""Networks by name: configs and weights of mmpretrain, mmdet, timm, torchvision, the CIFAR zoo, and local files."""
