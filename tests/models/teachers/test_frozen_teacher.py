"""A teacher: from any spec, loaded wholly or refused, frozen, and seeing what it was trained on."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmpretrain.models import ClsDataPreprocessor
from support.small_teacher import IMAGENET, MIXER, RANDOM, SMALL, build, saved

from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.frozen_network import build_network


def preprocessor(**kwargs):
    return build(dict(type='ClsDataPreprocessor', **kwargs))


@pytest.fixture
def small(tmp_path):
    torch.manual_seed(0)
    network = build(SMALL).eval()
    return network, saved(tmp_path, network)


def test_a_local_config_is_a_spec_and_its_preprocessor_is_the_teachers(tmp_path, small, rng):
    network, checkpoint = small
    mean, std = [120.0, 110.0, 100.0], [60.0, 50.0, 40.0]
    Config(dict(model=SMALL, data_preprocessor=dict(mean=mean, std=std, to_rgb=True))).dump(tmp_path / 'teacher.py')
    teacher = FrozenTeacher(
        dict(model=str(tmp_path / 'teacher.py'), checkpoint=checkpoint), preprocessor(mean=[0] * 3, std=[255] * 3, to_rgb=True))
    images = 255 * torch.rand(2, 3, 16, 16, generator=rng)
    own = (images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(teacher(images / 255).logits, network(own), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(('s_rgb', 't_rgb'), [(True, True), (True, False), (False, False)])
def test_it_sees_what_its_own_preprocessor_would_have_made(small, rng, s_rgb, t_rgb):
    network, checkpoint = small
    own = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0], to_rgb=t_rgb)
    students = preprocessor(mean=[10.0, 20.0, 30.0], std=[70.0, 80.0, 90.0], to_rgb=s_rgb)
    teacher = FrozenTeacher(dict(model=SMALL, checkpoint=checkpoint, data_preprocessor=own), students)
    loaded = torch.randint(256, (2, 3, 16, 16), generator=rng, dtype=torch.uint8)
    with torch.no_grad():
        expected = network(preprocessor(**own)(dict(inputs=loaded))['inputs'])
        got = teacher(students(dict(inputs=loaded))['inputs']).logits
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_an_unknowable_channel_order_is_asked_for(small, rng):
    network, checkpoint = small
    spec = dict(model=SMALL, checkpoint=checkpoint, data_preprocessor=dict(mean=[0] * 3, std=[1] * 3, to_rgb=True))
    students = preprocessor(mean=[0] * 3, std=[1] * 3, to_rgb=False)
    with pytest.raises(ValueError, match="channel_order='rgb'"):
        FrozenTeacher(spec, students)
    images = torch.randn(2, 3, 16, 16, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(FrozenTeacher(spec, students, 'rgb')(images).logits, network(images))
        torch.testing.assert_close(FrozenTeacher(spec, students, 'bgr')(images).logits, network(images.flip(1)))
    with pytest.raises(ValueError, match="got 'gbr'"):
        FrozenTeacher(spec, students, 'gbr')


def test_its_own_input_size_is_applied(small, rng):
    _, checkpoint = small
    teacher = FrozenTeacher(dict(model=SMALL, checkpoint=checkpoint, input_size=24))
    seen = []
    teacher.network.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape)))
    teacher(torch.randn(2, 3, 16, 16, generator=rng))
    assert seen == [(2, 3, 24, 24)]
    assert build_network(dict(model='timm/vit_tiny_patch16_224', checkpoint=None, allow_random=True)).input_size == 224


def test_it_is_frozen_and_shared_by_copies(small, rng):
    _, checkpoint = small
    teacher = FrozenTeacher(dict(model=SMALL, checkpoint=checkpoint))
    images = torch.randn(4, 3, 16, 16, generator=rng, requires_grad=True)
    before = copy.deepcopy(teacher.network.state_dict())
    first = teacher(images)
    teacher.network.train()
    torch.testing.assert_close(teacher(images).logits, first.logits)
    torch.testing.assert_close(dict(teacher.network.state_dict()), dict(before), rtol=0, atol=0)
    assert not first.logits.requires_grad and not first.embedding.requires_grad
    assert not any(parameter.requires_grad for parameter in teacher.network.parameters())
    assert copy.deepcopy({'teacher': teacher})['teacher'] is teacher


def test_the_fingerprint_tells_weights_apart(tmp_path, small):
    network, checkpoint = small
    spec = dict(model=SMALL, checkpoint=checkpoint)
    assert FrozenTeacher(spec).fingerprint() == FrozenTeacher(spec).fingerprint()
    with torch.no_grad():
        network.head.fc.bias[0] += 1e-3
    other = FrozenTeacher(dict(model=SMALL, checkpoint=saved(tmp_path, network, 'other.pth')))
    assert other.fingerprint() != FrozenTeacher(spec).fingerprint()


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
