"""Hooks for mmengine's Runner: epoch seeds, warm-up and measured weights of losses, class means, teacher metrics, resuming, export."""

from mmkd_ext.hooks.auto_weight_hook import AutoWeightHook
from mmkd_ext.hooks.channels_last_hook import ChannelsLastHook
from mmkd_ext.hooks.class_means_hook import ClassMeansHook
from mmkd_ext.hooks.compiled_step_hook import CompiledStepHook
from mmkd_ext.hooks.distillation_report_hook import DistillationReportHook
from mmkd_ext.hooks.epoch_seed_hook import EpochSeedHook
from mmkd_ext.hooks.export_student_hook import ExportStudentHook
from mmkd_ext.hooks.invalid_loss_hook import InvalidLossHook
from mmkd_ext.hooks.loss_warmup_hook import LossWarmupHook
from mmkd_ext.hooks.plain_checkpoint_hook import PlainCheckpointHook
from mmkd_ext.hooks.resumed_validation_hook import ResumedValidationHook, ValidationRecordHook
from mmkd_ext.hooks.summed_terms_hook import SummedTermsHook
from mmkd_ext.hooks.views_visualization_hook import ViewsVisualizationHook

__all__ = [
    'AutoWeightHook', 'ChannelsLastHook', 'ClassMeansHook', 'CompiledStepHook', 'DistillationReportHook', 'EpochSeedHook',
    'ExportStudentHook', 'InvalidLossHook', 'LossWarmupHook', 'PlainCheckpointHook', 'ResumedValidationHook', 'SummedTermsHook',
    'ValidationRecordHook', 'ViewsVisualizationHook',
]
