"""Teachers as they come: torchvision's oddities, timm's classifier inside of mmpretrain's, configs that normalise in several places."""

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models import ClsDataPreprocessor
from torchvision.models import densenet121

from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.registry import MODELS

RANDOM = dict(checkpoint=None, allow_random=True)
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
MIXER_ARCH = dict(embed_dims=16, num_layers=2, tokens_mlp_dims=8, channels_mlp_dims=8)
MIXER = dict(
    type='ImageClassifier', backbone=dict(type='MlpMixer', arch=MIXER_ARCH, img_size=64, patch_size=16),
    neck=dict(type='GlobalAveragePooling', dim=1), head=dict(type='LinearClsHead', num_classes=5, in_channels=16))


def test_a_checkpoint_of_the_hosts_timm_classifier_is_loaded(tmp_path):
    cfg = dict(type='TimmClassifier', model_name='test_resnet', num_classes=5)
    trained = MODELS.build({**cfg, 'type': 'mmpretrain.TimmClassifier'}).eval()
    torch.save(dict(state_dict=trained.state_dict()), tmp_path / 'timm.pth')

    loaded = build_network(dict(model=cfg, checkpoint=tmp_path / 'timm.pth')).module.eval()

    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(loaded(images), trained(images), rtol=0, atol=0)


def test_torchvisions_densenets_are_published_under_old_names(tmp_path):
    network = densenet121(num_classes=5)
    old = {}
    for key, value in network.state_dict().items():
        head, layer, rest = key.partition('denselayer')
        for name in ('norm1', 'norm2', 'conv1', 'conv2') if layer else ():
            rest = rest.replace(f'.{name}.', f'.{name[:4]}.{name[4:]}.')
        old[head + layer + rest] = value
    assert 'features.denseblock1.denselayer1.norm.1.weight' in old
    torch.save(old, tmp_path / 'dense.pth')
    found = build_network(dict(model='torchvision/densenet121', num_classes=5, checkpoint=tmp_path / 'dense.pth'))
    for key, value in network.state_dict().items():
        torch.testing.assert_close(found.module.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize('spec, side', [
    (dict(model='torchvision/vit_b_32'), 224),
    (dict(model='torchvision/vit_b_32', options=dict(image_size=64)), 64),
    (dict(model='timm/vit_tiny_patch16_224', options=dict(img_size=48, depth=1)), 48),
    (dict(model=MIXER), 64),
], ids=['torchvision', 'torchvision 64', 'timm 48', 'mmpretrain 64'])  # fmt: skip
def test_a_teacher_of_one_image_size_sees_that_size(spec, side):
    teacher = FrozenTeacher({**spec, **RANDOM}, ClsDataPreprocessor(**IMAGENET), 'rgb')
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    seen = []
    teacher.network.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    teacher(images)
    assert seen[0].shape == (2, 3, side, side)
    if spec['model'] == 'torchvision/vit_b_32':
        torch.testing.assert_close(seen[0], F.interpolate(images, (side, side), mode='bilinear', antialias=True))


def test_equal_normalisations_change_nothing():
    teacher = FrozenTeacher(dict(model='torchvision/resnet18', **RANDOM), ClsDataPreprocessor(**IMAGENET))
    seen = []
    teacher.network.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    teacher(images)
    torch.testing.assert_close(seen[0], images, rtol=0, atol=0)


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


def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path):
    state = build_network(dict(model='cifar/resnet8', **RANDOM)).module.state_dict()
    state['head.fc.bias'][3] = float('nan')
    torch.save(state, tmp_path / 'diverged.pth')
    with pytest.raises(ValueError, match=r'diverged.pth needs to hold finite weights .* infinity in head.fc.bias'):
        build_network(dict(model='cifar/resnet8', checkpoint=str(tmp_path / 'diverged.pth')))


def test_a_published_cifar_teacher_sees_the_fields_normalisation():
    assert build_network(dict(model='cifar/resnet8', **RANDOM)).preprocessor['mean'] == [129.3105, 124.1085, 112.4040]
    assert build_network(dict(model='cifar/resnet8', num_classes=10, **RANDOM)).preprocessor == {}
