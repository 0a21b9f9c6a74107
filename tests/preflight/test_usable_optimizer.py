"""Optimizers and wrappers that mmengine builds and cannot step with are refused in one sentence before the run."""

import copy
import re

import pytest
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from support.runs import one_error, one_thread, write_config
from support.tiny_runs import Two

from mmkd_ext.commands import train

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
def test_what_a_run_cannot_step_with_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(OPTIM_WRAPPER_CONSTRUCTORS.module_dict, 'Two', Two)
    cfg, expected = REFUSED[name]
    config = write_config(tmp_path, f'optim_wrapper = {dict(copy.deepcopy(cfg), _delete_=True)!r}')
    with one_thread():
        assert train.main([str(config), '--work-dir', 'work']) == 2
    assert re.search(expected, one_error(capsys.readouterr().err))
    assert not list(tmp_path.glob('work/*.pth'))
