"""Networks that run before a training has drawn their weights, some of which lie in memory as they are until then."""

import json

import pytest
import torch
from mmdet.models.detectors import DeformableDETR
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.query import tiny
from torch import nn

from mmkd_ext.commands import benchmark
from mmkd_ext.models.build import build_model
from mmkd_ext.models.uninitialised import made_finite
from mmkd_ext.registry import MODELS

pytestmark = [
    pytest.mark.filterwarnings('ignore:torch.meshgrid'), pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`'),
    pytest.mark.filterwarnings('ignore::DeprecationWarning')]  # of mmdet and mmcv


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """As it may be: what mmdet allocates and does not fill is no number."""
    original = DeformableDETR._init_layers

    def unlucky(self) -> None:
        original(self)
        nn.init.constant_(self.level_embed, float('nan'))

    monkeypatch.setattr(DeformableDETR, '_init_layers', unlucky)


def distiller(**losses):
    return dict(
        type='mmkd_ext.OfflineDistiller', student=tiny(), input_size=64, losses=losses,
        teacher=dict(model=tiny(), checkpoint=None, allow_random=True))


@pytest.mark.parametrize('loss', ['KDLoss', 'PKDLoss'])
def test_a_distiller_of_query_detectors_is_built_and_answers(loss):
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(distiller(a=dict(type=f'mmkd_ext.{loss}')))
    for network in (model.student, model.teachers['teacher'].network):
        assert all(p.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize('model', [tiny(), distiller(a=dict(type='mmkd_ext.KDLoss'))], ids=['plain', 'distiller'])
def test_a_tool_s_model_is_finite(model):
    assert all(p.isfinite().all() for p in build_model(Config(dict(default_scope='mmdet', model=model))).parameters())


def test_a_step_is_timed(tmp_path):
    path, out = tmp_path / 'config.py', tmp_path / 'figures.json'
    model = distiller(kd=dict(type='mmkd_ext.KDLoss'))
    path.write_text(f"default_scope = 'mmdet'\ncustom_imports = dict(imports=['mmkd_ext.models'])\nmodel = {model!r}\n")
    arguments = ['--rounds', '1', '--batch-size', '1', '--size', '64', '--device', 'cpu', '--precision', 'float32', '--out', str(out)]
    assert benchmark.main([str(path), *arguments]) == 0
    assert {row['network'] for row in json.loads(out.read_text())} >= {'student', 'teacher', 'ours'}


def test_weights_stay_and_what_is_none_becomes_zero():
    layer = nn.Sequential(nn.Linear(3, 2), nn.LazyLinear(2))
    layer[0].weight.data = torch.tensor([[1.5, float('nan'), -float('inf')], [-200.0, 3e38, 1e-40]])
    bias = layer[0].bias.clone()
    assert made_finite(layer) is layer
    assert layer[0].weight.tolist() == torch.tensor([[1.5, 0.0, 0.0], [-200.0, 0.0, 1e-40]]).tolist()
    assert layer[0].bias.equal(bias) and layer[0].weight.requires_grad
