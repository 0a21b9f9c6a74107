"""torchvision's classifiers as models of mmpretrain: stages before their ReLU, classifiers inside, keys and facts of their weights."""

import pytest
import torch
import torchvision
from mmpretrain.structures import DataSample

from mmkd_ext.models import TorchvisionClassifier
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.models.zoo.torchvision_classifier import present_name, torchvision_network, torchvision_weights


def said(name, images, **options):
    torch.manual_seed(0)
    teacher = FrozenTeacher(dict(model=name, checkpoint=None, allow_random=True, num_classes=7, options=options))
    return teacher, teacher(images)


@pytest.mark.parametrize('name', ['torchvision/resnet18', 'torchvision/resnet50'])
def test_they_become_the_stages_by_a_relu_and_nothing_else_changes(rng, name):
    images = torch.randn(2, 3, 64, 64, generator=rng)
    _, after = said(name, images)
    teacher, before = said(name, images, pre_activation=True)
    assert len(before.stages) == len(after.stages) == 4
    for raw, stage in zip(before.stages, after.stages, strict=True):
        assert (raw < 0).any() and (stage >= 0).all()
        torch.testing.assert_close(raw.relu(), stage, rtol=0, atol=0)
    torch.testing.assert_close(before.logits, after.logits, rtol=0, atol=0)
    torch.testing.assert_close(before.embedding, after.embedding, rtol=0, atol=0)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in teacher.network.modules())


def test_networks_without_such_stages_are_refused():
    with pytest.raises(ValueError, match="one of torchvision's ResNets, got torchvision/squeezenet1_1"):
        build_network(dict(
            model='torchvision/squeezenet1_1', checkpoint=None, allow_random=True, options=dict(pre_activation=True)))


@pytest.mark.parametrize(('name', 'size'), [('inception_v3', 299), ('googlenet', 64)])
def test_classifiers_inside_are_trained_by_the_weights_of_their_papers(name, size, rng):
    model = TorchvisionClassifier(name, num_classes=5).train()
    images = torch.randn(2, 3, size, size, generator=rng)
    torch.manual_seed(0)
    terms = model(images, [DataSample().set_gt_label(label) for label in (0, 1)], mode='loss')
    torch.manual_seed(0)  # of dropout
    said = model.model(images)
    target, factor = torch.tensor([0, 1]), 0.4 if name == 'inception_v3' else 0.3
    for i, logits in enumerate(said):
        expected = torch.nn.functional.cross_entropy(logits, target) * (factor if i else 1.0)
        torch.testing.assert_close(terms[f'loss_auxiliary{i - 1}' if i else 'loss'], expected)
    assert len(terms) == (2 if name == 'inception_v3' else 3)


def test_the_keys_of_a_checkpoint_are_torchvisions_own_and_go_back_in(rng):
    model = TorchvisionClassifier('squeezenet1_1', num_classes=5).eval()
    theirs = torchvision.models.squeezenet1_1(num_classes=5).eval()
    theirs.load_state_dict(model.state_dict())  # strictly
    images = torch.randn(2, 3, 64, 64, generator=rng)
    torch.testing.assert_close(theirs(images), model(images), rtol=0, atol=0)
    other = TorchvisionClassifier('squeezenet1_1', num_classes=5).eval()
    other.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(other(images), theirs(images), rtol=0, atol=0)


def test_features_are_not_extracted():
    with pytest.raises(NotImplementedError, match="Features of torchvision's ResNet are read by `recording` only"):
        TorchvisionClassifier('resnet18').extract_feat(torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize('build', [
    lambda name: torchvision_network(name, None, False, {}), torchvision_weights, TorchvisionClassifier],
    ids=['network', 'weights', 'model'])
def test_a_name_that_torchvision_does_not_know_is_said(build):
    with pytest.raises(ValueError, match='that torchvision knows is needed, got torchvision/resnet19'):
        build('resnet19')


def test_normalisations_are_those_that_torchvisions_own_transforms_apply():
    for name in ('resnet18', 'efficientnet_v2_l'):
        weights = next(iter(torchvision.models.get_model_weights(name)))
        address, normalised = torchvision_weights(name)
        assert address == weights.url and normalised['to_rgb'] is True
        applied = weights.transforms()
        assert normalised['mean'] == pytest.approx([255 * x for x in applied.mean])
        assert normalised['std'] == pytest.approx([255 * x for x in applied.std])


@pytest.mark.parametrize(('published', 'present'), [
    ('features.denseblock1.denselayer12.norm.1.weight', 'features.denseblock1.denselayer12.norm1.weight'),
    ('features.denseblock2.denselayer3.conv.2.weight', 'features.denseblock2.denselayer3.conv2.weight'),
    ('features.transition1.norm.weight', 'features.transition1.norm.weight'), ('layer1.0.conv1.weight', 'layer1.0.conv1.weight')])
def test_old_names_of_densenets_become_present_ones_and_others_stay(published, present):
    assert present_name(published) == present
