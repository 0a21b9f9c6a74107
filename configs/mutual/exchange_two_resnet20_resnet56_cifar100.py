"""The follow-up's variant (arXiv:2212.02931) on CIFAR-100: one student is taught by predictions, one by maps. Not run here.

Both then exchange both: predictions by mutual learning, maps by a ReviewKD fusion of each towards the other's.

python tools/train.py configs/mutual/exchange_two_resnet20_resnet56_cifar100.py
"""

_base_ = ['../_base_/datasets/cifar100.py', '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

maps = dict(type='mmkd_ext.ReviewKDLoss', with_embedding=False)
model = dict(
    type='mmkd_ext.MutualLearningDistiller',
    students=dict(by_predictions='cifar/resnet20', by_maps='cifar/resnet20'),
    teacher='cifar/resnet56',
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, students=['by_predictions']),
        maps=dict(**maps, students=['by_maps']),
        ml=dict(type='mmkd_ext.MutualLearningLoss'),
        peer_maps_1=dict(**maps, students=['by_predictions'], teacher='by_maps'),
        peer_maps_2=dict(**maps, students=['by_maps'], teacher='by_predictions')))
custom_hooks = [
    dict(type='mmkd_ext.LossWarmupHook', loss=loss, epochs=20) for loss in ('maps', 'peer_maps_1', 'peer_maps_2')]
