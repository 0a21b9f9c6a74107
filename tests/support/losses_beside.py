"""The pages of losses of other papers beside KD on CIFAR-100, each with what it has of its own."""

# page -> weight of the labels, ramp, the loss as its paper has it
BESIDE = {
    'kd_standardised_resnet20_resnet56_cifar100': (0.1, False, dict(type='KDLoss', tau=2.0, loss_weight=9.0, standardise=True)),
    'dkd_standardised_resnet20_resnet56_cifar100': (
        1.0, True, dict(type='DKDLoss', tau=2.0, alpha=1.0, beta=2.0, loss_weight=9.0, standardise=True)),
    'ttm_resnet20_resnet56_cifar100': (1.0, False, dict(type='TTMLoss', gamma=0.1, loss_weight=45.0)),
    'wttm_resnet20_resnet56_cifar100': (1.0, False, dict(type='TTMLoss', gamma=0.2, weighted=True, loss_weight=4.0)),
    'pkd_resnet20_resnet56_cifar100': (1.0, False, dict(type='PKDLoss', loss_weight=1.0)),
    'cwd_resnet20_resnet56_cifar100': (1.0, False, dict(type='CWDLoss', tau=4.0, loss_weight=1.0)),
    'mgd_resnet20_resnet56_cifar100': (1.0, False, dict(type='MGDLoss', mask_ratio=0.15, loss_weight=7e-5)),
    'vkd_resnet20_resnet56_cifar100': (1.0, False, dict(type='VkDLoss', loss_weight=1.0)),
}
