"""When something happens: seeds before an epoch, losses that grow, class means, a stop at a loss that is no number, export."""

from mmkd_ext.hooks.class_means_hook import ClassMeansHook
from mmkd_ext.hooks.epoch_seed_hook import EpochSeedHook
from mmkd_ext.hooks.export_student_hook import ExportStudentHook
from mmkd_ext.hooks.invalid_loss_hook import InvalidLossHook
from mmkd_ext.hooks.loss_warmup_hook import LossWarmupHook

__all__ = ['ClassMeansHook', 'EpochSeedHook', 'ExportStudentHook', 'InvalidLossHook', 'LossWarmupHook']
