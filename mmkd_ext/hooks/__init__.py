"""Hooks for mmengine's Runner: epoch seeds, loss warm-up, class means, teacher metrics, a stop at an invalid loss, export."""

from mmkd_ext.hooks.class_means_hook import ClassMeansHook
from mmkd_ext.hooks.distillation_report_hook import DistillationReportHook
from mmkd_ext.hooks.epoch_seed_hook import EpochSeedHook
from mmkd_ext.hooks.export_student_hook import ExportStudentHook
from mmkd_ext.hooks.invalid_loss_hook import InvalidLossHook
from mmkd_ext.hooks.loss_warmup_hook import LossWarmupHook
from mmkd_ext.hooks.plain_checkpoint_hook import PlainCheckpointHook
from mmkd_ext.hooks.summed_terms_hook import SummedTermsHook

__all__ = [
    'ClassMeansHook', 'DistillationReportHook', 'EpochSeedHook', 'ExportStudentHook', 'InvalidLossHook', 'LossWarmupHook',
    'PlainCheckpointHook', 'SummedTermsHook',
]
