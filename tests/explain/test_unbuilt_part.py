"""A part of a config of which nothing can be built is named by the place where it stands."""

import pytest
from support.distillation_runs import extra
from support.runs import one_error, write_config

from mmkd_ext.commands import doctor, train

NETWORK = """
net = dict(
    type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, out_indices=(3, )),
    neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=10, in_channels=32))
model['student'] = net
"""
PARTS = {
    "model['losses']['kd'] = dict(tau=4)": ["'mmkd_ext.KDLoss', got {'tau': 4}", 'model.losses.kd.'],
    "model['losses']['kd'] = dict()": ['needs a `type`', 'model.losses.kd.'],
    "model['losses']['kd'] = dict(type=5)": ["got {'type': 5}", 'model.losses.kd.'],
    "model['losses']['nd'] = dict(type='', teacher='teacher')": ["got {'type': ''}", 'model.losses.nd.'],
    "net['backbone'] = dict(depth=18)": ["with ['depth']", 'Look at model.student.backbone in'],
    "net['neck'] = dict(tipe='GlobalAveragePooling')": ["['tipe']", 'Look at model.student.neck in'],
    "net['head'] = dict(type='LinearClsHead', num_classes=10, in_channels=32, loss=dict(loss_weight=1))":
        ["['loss_weight']", 'Look at model.student.head.loss in'],
    "net['head'] = dict(type=5)": ['one with type=5', 'Look at model.student.head in'],
    "model['type'] = ''": ["one with type=''", 'Look at model in'],
    "model['teacher'] = dict(model=dict(backbone=1))": ['without type', 'got model'],
    "model['teacher'] = dict(checkpoint='a.pth')": ['A teacher needs a name', 'got checkpoint'],
    "train_dataloader['dataset']['pipeline'] = [dict(crop_size=3)]": ["['crop_size']", 'Look at train_dataloader.dataset.pipeline.0 in'],
    "train_dataloader['sampler'] = dict(_delete_=True, shuffle=True)": ["['shuffle']", 'Look at train_dataloader.sampler in'],
    "custom_hooks = [dict(type='EMAHook'), dict(momentum=1)]": ["['momentum']", 'Look at custom_hooks.1 in'],
    "model['channel_order'] = 'rgbb'": ["'rgb', 'bgr' or None, got 'rgbb'"],
    "model['teacher']['channel_order'] = 5": ['or None, got 5'],
}  # fmt: skip
MUTUAL = """
model = dict(
    _delete_=True, type='mmkd_ext.MutualLearningDistiller', input_size=8, losses=dict(kd=dict(tau=4)),
    students=dict(a=dict(model='cifar/resnet8', num_classes=10), b=dict(model='cifar/resnet8', num_classes=10)))
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def told(tmp_path, capsys, lines, command=train, words=('--work-dir', 'work')):
    assert command.main([str(write_config(tmp_path, lines)), *words]) == 2
    return one_error(capsys.readouterr().err)


@pytest.mark.parametrize('line', PARTS)
def test_a_part_without_a_type_is_named_by_its_place(tmp_path, capsys, line):
    own = '' if line.startswith('train_dataloader') else extra(tmp_path)
    own += NETWORK if line.startswith('net') else ''
    said = told(tmp_path, capsys, f'train_dataloader = dict(dataset=dict())\n{own}{line}')
    assert [part for part in PARTS[line] if part not in said] == [], said


def test_so_is_a_loss_of_mutual_learning_and_by_the_doctor(tmp_path, capsys):
    for command, words in ((train, ('--work-dir', 'work')), (doctor, ())):
        assert 'Look at model.losses.kd.' in told(tmp_path, capsys, extra(tmp_path) + MUTUAL, command, words)
