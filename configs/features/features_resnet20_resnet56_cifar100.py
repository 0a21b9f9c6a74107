"""The features of resnet56 become those of resnet20, on CIFAR-100's images without their labels. Not run here.

    python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
    python tools/train.py configs/features/features_resnet20_resnet56_cifar100.py
    python tools/export_student.py configs/features/features_resnet20_resnet56_cifar100.py \
        work_dirs/features_resnet20_resnet56_cifar100/epoch_100.pth backbone.pth

The teacher has seen the labels of these images; one that has not is 'timm/vit_small_patch14_dinov2.lvd142m'.
"""

_base_ = [
    '../_base_/datasets/cifar100_unlabelled.py', '../_base_/schedules/cifar100_features.py', '../_base_/default_runtime.py']

model = dict(
    type='mmkd_ext.FeatureDistiller',
    student='cifar/resnet20',
    teacher=dict(model='cifar/resnet56', checkpoint='work_dirs/teacher_resnet56_cifar100/epoch_240.pth'),
    losses=dict(
        token=dict(type='mmkd_ext.EmbeddingLoss', by='cosine'),
        patches=dict(type='mmkd_ext.MapLoss', by='cosine')))
