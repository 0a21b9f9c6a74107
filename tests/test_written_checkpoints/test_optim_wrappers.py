"""Every optimizer wrapper: resumed exactly from what it writes, or refused in one sentence before the run."""

import copy
import re

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS
from test_tools.runs import one_error, one_thread, write_config
from test_written_checkpoints.registries import registered
from test_written_checkpoints.tiny_runs import Net, same, tiny_run

from mmkd_ext.checkpoints import read_checkpoint
from tools import train

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
    'AmpOptimWrapper': 'its state below; on a GPU the run too; on a CPU tools/train.py takes ours instead (test_through_the_tools)',
    'ApexOptimWrapper': 'refused where apex is not installed, below',
    'DeepSpeedOptimWrapper': 'refused below: no wrapper of the Runner',
    'ColossalAIOptimWrapper': 'refused below: no wrapper of the Runner',
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


class Two:
    """What mmengine's documentation calls a MultiOptimWrapperConstructor."""

    def __init__(self, optim_wrapper_cfg, paramwise_cfg=None):
        self.lr = optim_wrapper_cfg.get('lr', 0.01)

    def __call__(self, model):
        parts = dict(body=[*model.parameters()][:-2], head=[*model.parameters()][-2:])
        return OptimWrapperDict(**{name: OptimWrapper(torch.optim.Adam(each, lr=self.lr)) for name, each in parts.items()})


@pytest.fixture
def two():
    OPTIM_WRAPPER_CONSTRUCTORS.register_module(name='Two', module=Two, force=True)
    yield dict(constructor='Two')
    OPTIM_WRAPPER_CONSTRUCTORS.module_dict.pop('Two')


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


def test_several_optimizers_of_a_model_that_steps_itself_are_resumed_exactly(tmp_path, two):
    scheduler = dict(body=[dict(type='ExponentialLR', gamma=0.8)], head=[dict(type='OneCycleLR', eta_max=0.1, total_steps=4)])
    whole = assert_resumed_exactly(tmp_path, optim_wrapper=two, network=Steps, scheduler=scheduler)
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


SGD = dict(type='SGD', lr=0.1)
REFUSED = {
    'ApexOptimWrapper': (dict(type='ApexOptimWrapper', optimizer=SGD), 'Apex is not installed.*ApexOptimWrapper'),
    'DeepSpeedOptimWrapper': (dict(type='DeepSpeedOptimWrapper', optimizer=SGD), 'got DeepSpeedOptimWrapper.*optim_wrapper.type'),
    'ColossalAIOptimWrapper': (dict(type='ColossalAIOptimWrapper', optimizer=SGD), 'got ColossalAIOptimWrapper.*optim_wrapper.type'),
    'several': (dict(a=dict(optimizer=SGD), b=dict(optimizer=SGD)), 'One optimizer is needed.*got a, b.*OptimWrapperDict'),
    'constructor': (dict(constructor='Two'), 'One optimizer is needed for ImageClassifier.*OptimWrapperDict of Two'),
    'LBFGS': (dict(optimizer=dict(type='LBFGS', lr=0.1)), 'got LBFGS.*closure.*optimizer.type'),
    'SparseAdam': (dict(optimizer=dict(type='SparseAdam', lr=0.1)), 'got SparseAdam.*sparse gradients'),
    'Adahessian': (dict(optimizer=dict(type='timm.optim.Adahessian', lr=0.1)), 'got Adahessian.*second derivatives'),
    'Muon': (dict(optimizer=dict(type='Muon', lr=0.1)), 'Muon only supports 2D parameters.*Muon'),
    'Optimizer': (dict(optimizer=dict(type='Optimizer')), 'Arguments that Optimizer takes'),
    'ZeroRedundancyOptimizer': (
        dict(optimizer=dict(type='ZeroRedundancyOptimizer', optimizer_type='SGD', lr=0.1)), 'process group.*ZeroRedundancyOptimizer'),
}  # fmt: skip


@pytest.mark.parametrize('name', REFUSED)
def test_what_a_run_cannot_step_with_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys, two, name):
    monkeypatch.chdir(tmp_path)
    cfg, expected = REFUSED[name]
    config = write_config(tmp_path, f'optim_wrapper = {dict(copy.deepcopy(cfg), _delete_=True)!r}')
    with one_thread():
        assert train.main([str(config), '--work-dir', 'work']) == 2
    assert re.search(expected, one_error(capsys.readouterr().err))
    assert not list(tmp_path.glob('work/*.pth'))
