"""An ensemble of classifiers: the mean of probabilities, each network with images of its own, names and keys."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import get_state_dict
from mmpretrain.structures import DataSample
from witnesses.naive_mutual import ensemble as naive_ensemble

from mmkd_ext.models.ensembles.ensemble import Ensemble

HEAD = dict(type='LinearClsHead', num_classes=5, in_channels=64)
NETWORK = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'), head=HEAD)
OWN = dict(NETWORK, data_preprocessor=dict(mean=[50.0] * 3, std=[25.0] * 3, num_classes=5))
TIMM = dict(type='TimmClassifier', model_name='test_resnet', num_classes=5)
SHARED = dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=5)


def build(networks, **options):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return Ensemble(networks, **dict(dict(data_preprocessor=SHARED), **options)).eval()


@pytest.fixture
def images(rng):
    return torch.randn(3, 3, 16, 16, generator=rng)


@torch.no_grad()
def test_it_predicts_the_mean_of_the_probabilities(images):
    model = build(dict(a=NETWORK, b=TIMM))
    wanted = torch.tensor(naive_ensemble([model.networks[name](images).tolist() for name in 'ab']))
    torch.testing.assert_close(model(images).exp(), wanted)
    said = model(images, [DataSample().set_gt_label(i) for i in range(3)], mode='predict')
    torch.testing.assert_close(torch.stack([x.pred_score for x in said]), wanted)
    assert [int(x.pred_label) for x in said] == wanted.argmax(dim=1).tolist() and [int(x.gt_label) for x in said] == [0, 1, 2]
    torch.testing.assert_close(said[1].networks['b'].pred_score, model.networks['b'](images)[1].softmax(dim=0))
    assert len(model(images, mode='predict')) == 3


@torch.no_grad()
def test_one_network_may_predict_alone(images):
    model = build(dict(a=NETWORK, b=TIMM), predict_by='b')
    wanted = model.networks['b'](images)
    torch.testing.assert_close(model(images), wanted, rtol=0, atol=0)
    said = model(images, mode='predict')
    torch.testing.assert_close(torch.stack([x.pred_score for x in said]), wanted.softmax(dim=1))
    assert 'networks' not in said[0]


@torch.no_grad()
def test_a_network_sees_the_images_of_its_own_preprocessor(images):
    model = build(dict(a=NETWORK, b=OWN))
    loaded = 100 + 50 * images
    assert model.view('a', images) is images
    torch.testing.assert_close(model.view('b', images), (loaded - 50) / 25)
    wanted = naive_ensemble([model.networks['a'](images).tolist(), model.networks['b']((loaded - 50) / 25).tolist()])
    torch.testing.assert_close(model(images).exp(), torch.tensor(wanted), rtol=1e-4, atol=1e-5)


def test_its_keys_are_each_network_s_own_below_its_name():
    model = build(dict(a=NETWORK, b=TIMM))
    keys = get_state_dict(model)
    for name in 'ab':
        alone = get_state_dict(model.networks[name])
        nested = {key.removeprefix(f'networks.{name}.') for key in keys if key.startswith(f'networks.{name}.')}
        assert nested == set(alone) and all(torch.equal(keys[f'networks.{name}.{key}'], x) for key, x in alone.items())
    assert all(key.startswith('networks.') for key in keys)


def test_the_first_network_s_preprocessor_prepares_the_images_where_none_is_given():
    assert build(dict(a=OWN, b=NETWORK), data_preprocessor=None).data_preprocessor.mean.flatten().tolist() == [50.0] * 3


def test_layers_for_learning_rates_are_those_of_the_network_that_has_the_parameter():
    model = build(dict(a=NETWORK))
    depths = {'head.fc.weight': (7, 8), 'backbone.conv1.weight': (0, 8)}
    model.networks['a'].get_layer_depth = depths.__getitem__
    assert model.get_layer_depth('networks.a.backbone.conv1.weight') == (0, 8)
    assert model.get_layer_depth('distill.nd.projection.weight') == (7, 8)


@pytest.mark.parametrize('name', ['ensemble', 'a b', '1', 'half', 'train', 3])
def test_names_that_a_module_cannot_have_are_refused(name):
    with pytest.raises(ValueError, match="Ensemble needs networks whose names are Python identifiers other than 'ensemble'"):
        build({name: NETWORK})


@pytest.mark.parametrize(('networks', 'options', 'words'), [
    ({}, {}, r'got \[\]'),
    ([NETWORK], {}, r'Ensemble needs networks=dict\(name=spec, ...\), got \['),
    ('abc', {}, "got 'abc'"),
    (dict(a=NETWORK), dict(predict_by='z'), "predict_by needs one of ensemble, a, got 'z'"),
    (dict(a=NETWORK, b=dict(NETWORK, head=dict(HEAD, type='MultiLabelLinearClsHead'))), {}, 'one softmax over the classes, got b with a'),
])  # fmt: skip
def test_what_makes_no_ensemble_is_said_when_it_is_built(networks, options, words):
    with pytest.raises(ValueError, match=words):
        build(networks, **options)


def test_it_only_predicts(images):
    model = build(dict(a=NETWORK))
    with pytest.raises(ValueError, match='Ensemble only predicts. Train its networks by a MutualLearningDistiller'):
        model(images, [], mode='loss')
    with pytest.raises(ValueError, match="mode needs to be 'tensor', 'predict' or 'loss', got 'train'"):
        model(images, mode='train')
