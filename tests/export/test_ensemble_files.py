"""Students that trained together come out each as a plain network, with a config of their ensemble that names their files."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmkd_ext.export.ensemble_files import ensemble_files
from mmkd_ext.models.build import build_model

SMALL = dict(model='cifar/resnet8', num_classes=3)
CONFIG = Config(dict(default_scope='mmpretrain', model=dict(
    type='mmkd_ext.MutualLearningDistiller', students=dict(a=SMALL, b=SMALL), input_size=8,
    data_preprocessor=dict(type='ClsDataPreprocessor', mean=[1.0] * 3, std=[2.0] * 3),
    losses=dict(ml=dict(type='mmkd_ext.MutualLearningLoss')))))  # fmt: skip


@pytest.fixture(scope='module')
def weights():
    torch.manual_seed(0)
    return build_model(CONFIG.copy()).state_dict()


def test_every_student_has_its_files_and_the_ensemble_leads_to_them(tmp_path, weights):
    files = ensemble_files(CONFIG.copy(), weights, dict(epoch=2), 'epoch_2.pth', tmp_path / 'net.pth', onnx=False, size=8)
    assert [path.name for path in files] == ['net_a.pth', 'net_a.py', 'net_b.pth', 'net_b.py', 'net.py']
    for path, content in files.items():
        path.write_bytes(content)
    for name in 'ab':
        saved = torch.load(tmp_path / f'net_{name}.pth', weights_only=True)
        assert saved['meta'] == dict(epoch=2)
        own = {key.removeprefix(f'networks.{name}.'): value for key, value in weights.items() if key.startswith(f'networks.{name}.')}
        assert own and all(saved['state_dict'][key].equal(value) for key, value in own.items() if not key.startswith('data_'))
        assert Config.fromfile(tmp_path / f'net_{name}.py').data_preprocessor.mean == [1.0] * 3
    assert not torch.load(tmp_path / 'net_a.pth', weights_only=True)['state_dict']['head.fc.weight'].equal(
        torch.load(tmp_path / 'net_b.pth', weights_only=True)['state_dict']['head.fc.weight'])
    ensemble = Config.fromfile(tmp_path / 'net.py')
    assert ensemble.model.type == 'mmkd_ext.Ensemble'
    assert ensemble.default_hooks.distillation_report.type == 'mmkd_ext.DistillationReportHook'
    for name, network in ensemble.model.networks.items():
        assert network == dict(model=f'{tmp_path}/net_{name}.py', checkpoint=f'{tmp_path}/net_{name}.pth')


def test_a_name_that_cannot_be_written_is_said_before_the_work(tmp_path):
    (tmp_path / 'net_b.py').mkdir()
    with pytest.raises(ValueError, match='net_b.py.*Choose another output'):
        ensemble_files(CONFIG.copy(), {}, {}, 'epoch_2.pth', tmp_path / 'net.pth', onnx=False, size=8)


def test_a_student_whose_weights_are_missing_is_named(weights):
    without = {key: value for key, value in weights.items() if not key.startswith('networks.b.')}
    with pytest.raises(ValueError, match='b of epoch_2.pth needs to fit the config wholly'):
        ensemble_files(CONFIG.copy(), without, {}, 'epoch_2.pth', Path('absent/net.pth'), onnx=False, size=8)
