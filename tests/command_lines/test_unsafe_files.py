"""Files that would execute code, at every place that reads one."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from support.crafted_files import KINDS, Call, as_pickle, as_program, as_stream, as_tar, as_two, crafted
from support.image_folders import colour_folder

from mmkd_ext.checkpoints import mmengine_loaders as checkpoint_loaders  # noqa: F401
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.class_means.class_means_file import load_class_means
from mmkd_ext.commands import compute_class_means, distill, doctor, draw_detections, export_student, train
from mmkd_ext.commands import test as test_tool
from mmkd_ext.models.zoo.cifar_zoo import read_cifar_zoo
from mmkd_ext.models.zoo.network_weights import read_weights
from mmkd_ext.models.zoo.trained_network import build_trained
from tools.model_converters import cifar_zoo

CONFIG = 'configs/teskd/r18_digits.py'
REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(params=KINDS)
def unsafe(request, tmp_path):
    """A file of each kind, and what would appear."""
    marker = tmp_path / 'executed'
    thing = crafted(marker)[request.param]
    weights = {'a': torch.zeros(1)}
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': weights, 'model': weights, 'meta': {'note': thing}, 'message_hub': {}, 'optimizer': thing}, path)
    yield path
    assert not marker.exists()


# Every place of the package that reads a file of weights: what is called with the path. Tools end with exit code 2.
DOORS = {
    'read_checkpoint': read_checkpoint,
    'a teacher': read_weights,
    'cifar_zoo': read_cifar_zoo,
    'class means': lambda path: load_class_means(path, {}),
    "an ensemble's network": lambda path: build_trained(dict(model='cifar/resnet8', checkpoint=str(path)), None, 'mmpretrain'),
    'mmengine load_checkpoint': lambda path: load_checkpoint(torch.nn.Linear(1, 1), str(path)),
    'mmengine CheckpointLoader': lambda path: CheckpointLoader.load_checkpoint(str(path)),
    'Pretrained': lambda path: pretrained(path),
}
TOOLS = {
    'test': lambda path, out: test_tool.main([CONFIG, str(path), '--work-dir', out]),
    'load_from': lambda path, out: train.main([CONFIG, '--work-dir', out, '--cfg-options', f'load_from={path}']),
    'resume': lambda path, out: train.main([CONFIG, '--work-dir', out, '--resume', str(path)]),
    'export': lambda path, out: export_student.main([CONFIG, str(path), f'{out}.pth']),
    'resume, unnamed': lambda path, out: train.main([CONFIG, '--work-dir', str(path.parent), '--resume']),
    'Pretrained': lambda path, out: train.main([changed(CONFIG, path, 'backbone', _pretrained(path)), '--work-dir', out]),
    "a student's Pretrained": lambda path, out: train.main(
        [changed(DISTILS, path, 'student.backbone', _pretrained(path)), '--work-dir', out, '--cfg-options', *TEACHER]),
    'a teacher': lambda path, out: train.main([DISTILS, '--work-dir', out, '--cfg-options', f'model.teacher.checkpoint={path}']),
    'class means': lambda path, out: train.main(
        [DISTILS, '--work-dir', str(path.parent), '--cfg-options', *TEACHER, f'custom_hooks.1.file={path.name}']),
    'a network that trains': lambda path, out: train.main(
        [changed(MUTUAL, path, 'students', {'first': _network(path)}), '--work-dir', out]),
    'an exported ensemble': lambda path, out: test_tool.main([ensemble(path), '--work-dir', out]),
    'pictures of detections': lambda path, out: draw_detections.main([DETECTOR, str(path), '--out', out]),
    'class means by hand': lambda path, out: compute_class_means.main(
        [DISTILS, '--work-dir', out, '--cfg-options', f'model.teacher.checkpoint={path}']),
}
TOOLS |= {
    'the doctor': lambda path, out: doctor.main([DISTILS, '--cfg-options', f'model.teacher.checkpoint={path}']),
    'the doctor, load_from': lambda path, out: doctor.main([DISTILS, '--cfg-options', *TEACHER, f'load_from={path}']),
    'a teacher of several': lambda path, out: train.main([changed(DISTILS, path, '', {
        'teacher': dict(type='mmkd_ext.TeacherEnsemble', teachers=[_network(path)] * 2)}), '--work-dir', out]),
    "a FeatureDistiller's teacher": lambda path, out: train.main([changed(DISTILS, path, '', {
        'type': 'mmkd_ext.FeatureDistiller', 'teacher': _network(path), 'losses': dict(token=dict(type='mmkd_ext.EmbeddingLoss'))}),
        '--work-dir', out]),
    'mmkd distill': lambda path, out: distill.main([
        '--data', str(colour_folder(path.parent / 'images', {'red': 2, 'blue': 2})), '--student', 'cifar/resnet8', '--teacher',
        'cifar/resnet8', '--teacher-checkpoint', str(path), '--out', out]),
}  # fmt: skip
DISTILS = 'configs/nd_loss/kdpp_resnet8_resnet20x2_digits.py'
MUTUAL = 'configs/mutual/kdml_two_narrow_r18_resnet8_digits.py'
DETECTOR = 'configs/nd_loss_det/faster_rcnn_narrow_r18_digit_scenes.py'
TEACHER = ['model.teacher.checkpoint=None', 'model.teacher.allow_random=True']


def _pretrained(path):
    return dict(init_cfg=dict(type='Pretrained', checkpoint=str(path)))


def _network(path):
    return dict(model='cifar/resnet8', num_classes=10, checkpoint=str(path))


def changed(config, path, where, what):
    """A config with other settings at a place of its model."""
    cfg = Config.fromfile(REPO / config)
    place = cfg.model
    for key in filter(None, where.split('.')):
        place = place[key]
    for key, value in what.items():
        place[key] = value
    cfg.dump(path.with_name('changed.py'))
    return str(path.with_name('changed.py'))


def ensemble(path):
    """A config of networks that name their own files."""
    config = path.with_name('ensemble.py')
    cfg = Config.fromfile(REPO / CONFIG)
    cfg.model = dict(type='mmkd_ext.Ensemble', networks=dict(a=_network(path), b=_network(path)))
    cfg.dump(config)
    return str(config)


def pretrained(path):
    from mmengine.model import BaseModule

    class Net(BaseModule):
        def __init__(self):
            super().__init__(dict(type='Pretrained', checkpoint=str(path)))
            self.layer = torch.nn.Linear(1, 1)

    Net().init_weights()


@pytest.mark.parametrize('door', DOORS)
def test_a_door_refuses_a_file_that_would_execute_code(unsafe, door):
    with pytest.raises(ValueError, match=r'cannot be used: it .*is not opened'):
        DOORS[door](unsafe)


@pytest.mark.parametrize('tool', TOOLS)
def test_a_command_refuses_it_in_one_sentence(tmp_path, capfd, tool):
    marker = tmp_path / 'executed'
    path = tmp_path / 'epoch_1.pth'
    thing = crafted(marker)['eval as what rebuilds a tensor']
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': {}, 'message_hub': {}, 'optimizer': thing}, path)
    assert TOOLS[tool](path, str(tmp_path / 'out')) == 2
    assert 'could execute code' in capfd.readouterr().err.strip().splitlines()[-1]
    assert not marker.exists()


def test_the_converter_refuses_it(tmp_path):
    torch.save({'model': Call(Path.touch, tmp_path / 'executed')}, tmp_path / 'a.pth')
    with pytest.raises(SystemExit, match='could execute code'):
        cifar_zoo.main([str(tmp_path / 'a.pth'), 'resnet20', str(tmp_path / 'b.pth')])
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('write', [as_stream, as_pickle, as_tar, as_program, as_two])
@pytest.mark.parametrize('kind', KINDS)
def test_other_containers_are_refused_as_well(tmp_path, write, kind):
    path = tmp_path / 'a.pth'
    write({'state_dict': crafted(tmp_path / 'executed')[kind]}, path)
    with pytest.raises(ValueError, match='cannot be used'):
        read_checkpoint(path)
    assert not (tmp_path / 'executed').exists()


# Calls that read a file in a form that could hold code, with the reason why each is safe.
READING = {
    'mmkd_ext/files/torch_file.py': 'the reader',
    'mmkd_ext/files/plain_pickle.py': 'the reader',
    'mmkd_ext/models/zoo/network_weights.py': 'load_file of safetensors, which holds no code',
    'mmkd_ext/checkpoints/safe_loading.py': 'puts the reader in the place of mmengine.load',
}


def test_no_other_file_of_the_package_reads_one():
    calls = re.compile(r'torch\.load\(|\bpickle\.loads?\(|np\.load\(|joblib|mmengine\.load\(|load_file\(|genops\(|read_torch_file\(io|'
                       r'load_from_fileobj|load_state_dict_from_url|yaml\.(unsafe_)?load|\bload_url\(|weights_only=False')  # fmt: skip
    files = [*(REPO / 'mmkd_ext').rglob('*.py'), *(REPO / 'tools').rglob('*.py')]
    found = {str(f.relative_to(REPO)) for f in files if any(calls.search(line) and '`' not in line for line in f.read_text().splitlines())}
    assert found <= set(READING), 'give the door a row above, and one in DOORS'
