"""When something happens: seeds before an epoch, a stop at a loss that is no number, the export after the run."""

from mmkd_ext.hooks.epoch_seed_hook import EpochSeedHook
from mmkd_ext.hooks.export_student_hook import ExportStudentHook
from mmkd_ext.hooks.invalid_loss_hook import InvalidLossHook

__all__ = ['EpochSeedHook', 'ExportStudentHook', 'InvalidLossHook']
