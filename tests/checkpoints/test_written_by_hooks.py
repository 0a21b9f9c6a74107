"""Averages of weights, and whatever else hooks put into a checkpoint: read as data, and resumed exactly."""

import copy
import inspect

import mmpretrain.models  # noqa: F401  # registers
import pytest
from mmengine.hooks import Hook
from mmengine.model.averaged_model import BaseAveragedModel
from mmengine.registry import HOOKS, MODELS
from support.registries import registered
from support.tiny_runs import same, tiny_run

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.hooks import EpochSeedHook

AVERAGES = {
    'StochasticWeightAverage': dict(),
    'ExponentialMovingAverage': dict(momentum=0.1),
    'MomentumAnnealingEMA': dict(momentum=0.1, gamma=3),
    'mmpretrain.CosineEMA': dict(momentum=0.1, end_momentum=0.01),
    'mmdet.ExpMomentumEMA': dict(momentum=0.1, gamma=3),
}
RUN = {
    'EMAHook': [dict(type='EMAHook', momentum=0.1)],
    'EMAHook, later': [dict(type='EMAHook', momentum=0.1, begin_epoch=3)],
    'mmpretrain.EMAHook': [dict(type='mmpretrain.EMAHook', momentum=0.1, evaluate_on_origin=True)],
    'mmpretrain.EMAHook, later': [dict(type='mmpretrain.EMAHook', momentum=0.1, begin_iter=5)],
    'mmpretrain.EMAHook, the plain weights': [dict(type='mmpretrain.EMAHook', evaluate_on_ema=False, evaluate_on_origin=True)],
    'mmpretrain.PreciseBNHook': [dict(type='mmpretrain.PreciseBNHook', num_samples=8, priority='ABOVE_NORMAL')],
    'mmpretrain.WarmupParamHook': [dict(type='mmpretrain.WarmupParamHook', param_name='momentum', module_name='bn', warmup_epochs=4)],
    'SyncBuffersHook': [dict(type='SyncBuffersHook')],
    'EmptyCacheHook': [dict(type='EmptyCacheHook', after_iter=True)],
    'mmdet.CheckInvalidLossHook': [dict(type='mmdet.CheckInvalidLossHook', interval=1)],
    'mmkd_ext.InvalidLossHook': [dict(type='mmkd_ext.InvalidLossHook', interval=1)],
    'mmkd_ext.SummedTermsHook': [dict(type='mmkd_ext.SummedTermsHook')],
}
PARTS = {  # of every run here, or of the tests named
    'CheckpointHook', 'IterTimerHook', 'LoggerHook', 'ParamSchedulerHook', 'RuntimeInfoHook', 'DistSamplerSeedHook',
    'mmkd_ext.EpochSeedHook', 'mmkd_ext.PlainCheckpointHook', 'mmkd_ext.ValidationRecordHook', 'mmkd_ext.ResumedValidationHook',
}
ELSEWHERE = {
    'EarlyStoppingHook': 'hooks/test_resumed_validation_hook',
    'mmpretrain.SwitchRecipeHook': 'command_lines/test_written_checkpoints',
    'mmpretrain.SetAdaptiveMarginsHook': 'command_lines/test_written_checkpoints',
    'mmdet.PipelineSwitchHook': 'command_lines/test_written_checkpoints',
    'mmkd_ext.ClassMeansHook': 'hooks/ and command_lines/test_resume', 'mmkd_ext.LossWarmupHook': 'hooks/ and command_lines/test_resume',
    'mmkd_ext.AutoWeightHook': 'command_lines/test_auto_weight_runs',
    'mmkd_ext.DistillationReportHook': 'hooks/ and command_lines/test_resume', 'mmkd_ext.ExportStudentHook': 'hooks/',
}  # fmt: skip
STATELESS = {
    **dict.fromkeys([
        'NaiveVisualizationHook', 'mmpretrain.VisualizationHook', 'mmdet.DetVisualizationHook', 'mmdet.TrackVisualizationHook',
        'mmdet.GroundingVisualizationHook', 'mmdet.TrainAugmentDetVisualizationHook', 'mmkd_ext.ViewsVisualizationHook'], 'draws images'),
    **dict.fromkeys(['ProfilerHook', 'NPUProfilerHook', 'mmdet.MemoryProfilerHook'], 'writes traces and numbers beside the run'),
    **dict.fromkeys(['mmpretrain.ClassNumCheckHook', 'mmdet.NumClassCheckHook'], 'compares class counts before a run'),
    'mmkd_ext.CompiledStepHook': 'keeps a part of the model out of the compiler',
    'mmkd_ext.BlockHook': 'reports the time of blocks of iterations', 'mmkd_ext.ChannelsLastHook': 'asks for images of another layout',
    'PrepareTTAHook': 'changes the model at test time',
    'RFSearchHook': 'rebuilds the convolutions: another network; a checkpoint of the plain one is asked for strictly',
    'mmdet.SyncNormHook': 'sums BatchNorm statistics over processes',
    'mmdet.SetEpochInfoHook': 'tells the model the epoch, by the loop', 'mmdet.YOLOXModeSwitchHook': 'switches by the epoch, of YOLOX only',
    'mmdet.MeanTeacherHook': 'averages into a part of its own detector (semi-supervised), whose weights the model itself holds',
    **dict.fromkeys(['mmpretrain.DenseCLHook', 'mmpretrain.SimSiamHook', 'mmpretrain.SwAVHook', 'mmpretrain.PrepareProtoBeforeValLoopHook'],
                    'of self-supervised and retrieval models, which have no class scores to distil'),
}  # fmt: skip


def test_every_hook_and_every_average_has_a_row_or_a_reason():
    known = registered(HOOKS)
    assert set(known) <= {name.partition(',')[0] for name in RUN} | PARTS | set(ELSEWHERE) | set(STATELESS)
    averages = {name for name, kind in registered(MODELS).items() if inspect.isclass(kind) and issubclass(kind, BaseAveragedModel)}
    assert averages <= set(AVERAGES)
    for name in STATELESS.keys() & known.keys():  # none of these writes
        assert known[name].before_save_checkpoint is Hook.before_save_checkpoint and 'message_hub' not in inspect.getsource(known[name])


def assert_resumed_exactly(folder, hooks):
    def run(name, **options):
        return tiny_run(folder / name, 4, hooks=[*copy.deepcopy(hooks), EpochSeedHook()], **options)

    whole = run('whole')
    for epoch in (1, 2):
        resumed = run(f'from{epoch}', resume=folder / f'whole/epoch_{epoch}.pth')
        one, other = (read_checkpoint(folder / name / 'epoch_4.pth') for name in ('whole', f'from{epoch}'))
        assert one.keys() == other.keys()
        assert all(same(one[key], other[key]) for key in ('state_dict', 'optimizer', 'ema_state_dict') if key in one)
        assert same(whole.model.state_dict(), resumed.model.state_dict())
        errors = [run.message_hub.get_scalar('val/error').current() for run in (whole, resumed)]
        assert errors[0] == errors[1]
    return one


@pytest.mark.parametrize('buffers', [False, True], ids=['weights', 'weights and buffers'])
@pytest.mark.parametrize('name', [name for name in AVERAGES if name in registered(MODELS)])
def test_any_average_is_read_and_resumed_exactly(tmp_path, name, buffers):
    hook = dict(type='EMAHook', ema_type=name, update_buffers=buffers, interval=1, **AVERAGES[name])
    saved = assert_resumed_exactly(tmp_path, [hook])
    assert saved['ema_state_dict']['steps'] == 8
    assert not same(saved['state_dict']['conv.weight'], saved['ema_state_dict']['module.conv.weight'])


@pytest.mark.parametrize('name', [name for name in RUN if name.partition(',')[0] in registered(HOOKS)])
def test_a_run_with_any_hook_is_resumed_exactly(tmp_path, name):
    saved = assert_resumed_exactly(tmp_path, RUN[name])
    assert ('ema_state_dict' in saved) == ('EMA' in name)
