"""Every optimizer wrapper: resumed exactly from what it writes, or refused in one sentence before the run."""

import pytest
import torch
from mmengine.registry import OPTIM_WRAPPERS
from support.registries import registered
from support.tiny_runs import Net, Two, same, tiny_run

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint

ADAM = dict(type='Adam', lr=0.01)
WRAPPERS = {
    'OptimWrapper': dict(type='OptimWrapper', optimizer=ADAM),
    'accumulated': dict(type='OptimWrapper', optimizer=ADAM, accumulative_counts=2),
    'clipped by norm': dict(type='OptimWrapper', optimizer=ADAM, clip_grad=dict(max_norm=0.1, norm_type=2)),
    'clipped by value': dict(type='OptimWrapper', optimizer=ADAM, clip_grad=dict(type='value', clip_value=0.01)),
    'mmkd_ext.CPUAmpOptimWrapper': dict(type='mmkd_ext.CPUAmpOptimWrapper', optimizer=ADAM),
    'bfloat16, accumulated and clipped': dict(
        type='mmkd_ext.CPUAmpOptimWrapper', optimizer=ADAM, accumulative_counts=2, clip_grad=dict(max_norm=0.1)),
}  # fmt: skip
ELSEWHERE = {
    'AmpOptimWrapper': 'its state below; on a GPU the run too; on a CPU ours in its place (command_lines/test_written_checkpoints)',
    'ApexOptimWrapper': 'refused where apex is not installed (preflight/test_usable_optimizer)',
    'DeepSpeedOptimWrapper': 'refused: no wrapper of the Runner (preflight/test_usable_optimizer)',
    'ColossalAIOptimWrapper': 'refused: no wrapper of the Runner (preflight/test_usable_optimizer)',
}


class Steps(Net):
    """A model that steps with two optimizers itself, as a GAN does."""

    def train_step(self, data, optim_wrapper):
        loss = self(**self.data_preprocessor(data, True), mode='loss')['loss']
        for each in optim_wrapper.values():
            each.zero_grad()
        loss.backward()
        for each in optim_wrapper.values():
            each.step()
        return dict(loss=loss.detach())


def test_every_wrapper_has_a_row_or_a_reason():
    assert set(registered(OPTIM_WRAPPERS)) - set(WRAPPERS) == set(ELSEWHERE)


def assert_resumed_exactly(folder, **options):
    whole = tiny_run(folder / 'whole', 4, **options)
    resumed = tiny_run(folder / 'resumed', 4, resume=folder / 'whole/epoch_2.pth', **options)
    assert same(whole.model.state_dict(), resumed.model.state_dict())
    assert same(whole.optim_wrapper.state_dict(), resumed.optim_wrapper.state_dict())
    assert same(read_checkpoint(folder / 'whole/epoch_4.pth')['optimizer'], whole.optim_wrapper.state_dict())
    return whole


@pytest.mark.parametrize('name', WRAPPERS)
def test_a_run_with_any_wrapper_is_resumed_exactly(tmp_path, name):
    assert_resumed_exactly(tmp_path, optim_wrapper=WRAPPERS[name], scheduler=dict(type='ExponentialLR', gamma=0.8))


def test_several_optimizers_of_a_model_that_steps_itself_are_resumed_exactly(tmp_path):
    scheduler = dict(body=[dict(type='ExponentialLR', gamma=0.8)], head=[dict(type='OneCycleLR', eta_max=0.1, total_steps=4)])
    whole = assert_resumed_exactly(tmp_path, optim_wrapper=dict(constructor=Two), network=Steps, scheduler=scheduler)
    assert list(read_checkpoint(tmp_path / 'whole/epoch_4.pth')['optimizer']) == list(whole.optim_wrapper.keys()) == ['body', 'head']


def test_a_loss_scaler_is_read_and_a_cpu_goes_on_without(tmp_path):
    """As `AmpOptimWrapper` writes it on a GPU."""
    optim_wrapper = dict(type='mmkd_ext.CPUAmpOptimWrapper', optimizer=ADAM)
    whole = tiny_run(tmp_path / 'whole', 3, optim_wrapper=optim_wrapper)
    checkpoint = read_checkpoint(tmp_path / 'whole/epoch_2.pth')
    scaler = torch.amp.GradScaler('cpu')
    scaler.scale(torch.ones(1))
    checkpoint['optimizer']['loss_scaler'] = scaler.state_dict()
    torch.save(checkpoint, tmp_path / 'scaled.pth')
    assert read_checkpoint(tmp_path / 'scaled.pth')['optimizer']['loss_scaler']['scale'] == 65536.0
    resumed = tiny_run(tmp_path / 'resumed', 3, optim_wrapper=optim_wrapper, resume=tmp_path / 'scaled.pth')
    assert same(whole.model.state_dict(), resumed.model.state_dict())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='AmpOptimWrapper needs a GPU')
@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
def test_mixed_precision_of_a_gpu_is_resumed_exactly(tmp_path, dtype):
    assert_resumed_exactly(tmp_path, optim_wrapper=dict(type='AmpOptimWrapper', dtype=dtype, loss_scale=512.0, optimizer=ADAM))
