"""A network's config, weights, normalisation and channel order by its name."""

import pytest
from support.small_teacher import MIXER, RANDOM

from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.models.zoo.sources import source_of, zoo_config


def test_torchvisions_weights_that_are_not_normalised_as_the_others():
    assert build_network(dict(model='torchvision/efficientnet_v2_l', **RANDOM)).preprocessor['mean'] == [127.5] * 3
    assert build_network(dict(model='torchvision/googlenet', **RANDOM)).module.transform_input
    assert not build_network(dict(model='torchvision/googlenet', num_classes=5, **RANDOM)).module.transform_input


def test_a_models_own_preprocessor_goes_before_the_configs(tmp_path):
    file = tmp_path / 'teacher.py'
    own = {**MIXER, 'data_preprocessor': dict(mean=[7.0] * 3, std=[2.0] * 3)}
    for model in (own, dict(type='mmkd_ext.OfflineDistiller', student=own, teacher='cifar/resnet8', losses={})):
        file.write_text(f'data_preprocessor = dict(mean=[1.0] * 3, std=[1.0] * 3)\nmodel = {model}\n')
        assert build_network(dict(model=str(file), **RANDOM)).preprocessor['mean'] == [7.0] * 3


@pytest.mark.parametrize('text, said', [('a = 1', 'without a model'), ('a = 1 b', 'invalid syntax')])
def test_a_file_that_is_no_config_of_a_model_is_named(tmp_path, text, said):
    (tmp_path / 'wrong.py').write_text(text)
    with pytest.raises(ValueError, match=rf'config file is needed, got .*wrong\.py.*{said}'):
        build_network(dict(model=str(tmp_path / 'wrong.py'), **RANDOM))


def test_a_published_cifar_teacher_sees_the_fields_normalisation():
    assert build_network(dict(model='cifar/resnet8', **RANDOM)).preprocessor['mean'] == [129.3105, 124.1085, 112.4040]
    assert build_network(dict(model='cifar/resnet8', num_classes=10, **RANDOM)).preprocessor == {}


@pytest.mark.parametrize(('words', 'kind', 'order', 'told'), [
    (dict(model='torchvision/resnet18'), 'mmkd_ext.TorchvisionClassifier', 'rgb', False),
    (dict(model='cifar/resnet8', num_classes=10), 'ImageClassifier', None, False),
    (dict(model='timm/resnet18.a1_in1k'), 'TimmClassifier', 'rgb', False),
    (dict(model=MIXER), 'ImageClassifier', None, True),
    (dict(model='resnet18_8xb32_in1k'), 'ImageClassifier', 'rgb', True),
])  # fmt: skip
def test_a_name_brings_its_config_its_order_and_what_its_zoo_knows(words, kind, order, told):
    source = source_of(words)
    assert (source.config.type, source.scope, source.channel_order, source.told) == (kind, 'mmpretrain', order, told)


def test_timms_weights_have_an_address_and_their_normalisation_in_0_to_255():
    source = source_of(dict(model='timm/resnet18.a1_in1k'))
    assert source.address == 'https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors'
    assert source.preprocessor['mean'] == pytest.approx([123.675, 116.28, 103.53]) and source.preprocessor['to_rgb']


def test_googlenets_own_weights_take_images_as_torchvision_does():
    own, trained = (source_of(dict(model='torchvision/googlenet', **words)) for words in (dict(pretrained=True), {}))
    assert own.config.transform_input and 'transform_input' not in trained.config
    assert 'transform_input' not in source_of(dict(model='torchvision/googlenet', num_classes=5), 'teacher').config


def test_a_config_is_asked_for_the_address_of_its_weights_only_where_they_are_wanted():
    name = 'mmpretrain::resnet/resnet18_8xb32_in1k.py'
    assert zoo_config(name, weights=False)[1] is None
    assert zoo_config(name)[1].endswith('resnet18_8xb32_in1k_20210831-fbbb1da6.pth')
    assert zoo_config('resnet18_8xb32_in1k')[1].endswith('resnet18_8xb32_in1k_20210831-fbbb1da6.pth')


@pytest.mark.parametrize('name', ['mmpretrain::no/such.py', 'no_such', 'no_such.py', 'timm/no_such', 'torchvision/no_such'])
@pytest.mark.parametrize('role', ['teacher', 'network'])
def test_a_name_that_no_zoo_knows_is_said_of_the_role(name, role):
    with pytest.raises(ValueError, match=f'^A {role} that .*is needed, got'):
        source_of(dict(model=name), role)


def test_a_package_that_is_absent_is_told_and_nothing_is_installed(monkeypatch):
    calls = []
    monkeypatch.setattr('mmengine.utils.package_utils.call_command', calls.append)
    monkeypatch.setattr('mmkd_ext.models.zoo.sources.find_spec', lambda name: None)
    for name in ('mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py', 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'):
        with pytest.raises(ValueError, match=f'got .{name}.: {name[:5]} is not installed'):
            source_of(dict(model=name), 'teacher')
    assert calls == []
