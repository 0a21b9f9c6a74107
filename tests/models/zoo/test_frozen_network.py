"""A frozen network by its spec: the network that is named, its weights, preprocessor and image size."""

import pytest
import timm
import torch
import torchvision
from mmpretrain import get_model
from support.small_teacher import SMALL, saved

from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.registry import MODELS


def test_a_teacher_told_to_be_without_its_weights_is_asked_whether_it_is_meant():
    with pytest.raises(ValueError, match='needs weights, got pretrained=False. Name a file, or set allow_random=True'):
        build_network(dict(model='timm/test_resnet', pretrained=False))
    assert build_network(dict(model='timm/test_resnet', pretrained=False, allow_random=True)).name == 'timm/test_resnet'


def test_a_checkpoint_of_the_hosts_timm_classifier_is_loaded(tmp_path):
    cfg = dict(type='TimmClassifier', model_name='test_resnet', num_classes=5)
    trained = MODELS.build({**cfg, 'type': 'mmpretrain.TimmClassifier'}).eval()
    torch.save(dict(state_dict=trained.state_dict()), tmp_path / 'timm.pth')

    loaded = build_network(dict(model=cfg, checkpoint=tmp_path / 'timm.pth')).module.eval()

    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(loaded(images), trained(images), rtol=0, atol=0)


SPECS = {
    'mmpretrain::resnet/resnet18_8xb16_cifar10.py': lambda: get_model('resnet18_8xb16_cifar10'),
    'resnet18_8xb16_cifar10': lambda: get_model('resnet18_8xb16_cifar10'),
    'timm/test_resnet.r160_in1k': lambda: timm.create_model('test_resnet'),
    'torchvision/squeezenet1_0': lambda: torchvision.models.squeezenet1_0(),
    'torchvision/mnasnet0_5': lambda: torchvision.models.mnasnet0_5(),
}


@pytest.mark.parametrize('spec', SPECS)
def test_every_spec_gives_the_network_it_names_with_the_files_weights(tmp_path, rng, spec):
    torch.manual_seed(1)
    expected = SPECS[spec]().eval()
    built = build_network(dict(model=spec, checkpoint=saved(tmp_path, expected)))
    images = torch.randn(2, 3, 64, 64, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(built.module.eval()(images), expected(images))


@pytest.mark.parametrize(('spec', 'words'), [
    ('resnet34_8xb32', 'resnet34_8xb32'),
    ('timm/resnet34x', 'timm/resnet34x'),
    ('torchvision/resnet34x', 'torchvision/resnet34x'),
    ('cifar/resnet57', 'Did you mean resnet5'),
    ('absent.py', 'absent.py'),
    (dict(model=SMALL), 'no zoo knows one'),
    (dict(model=SMALL, checkpoint=None), 'allow_random=True'),
    (dict(model=SMALL, chekpoint='x'), 'chekpoint'),
    (dict(checkpoint='x'), 'NoneType'),
])
def test_a_spec_that_names_nothing_is_refused_by_name(spec, words):
    with pytest.raises(ValueError) as caught:
        build_network(spec)
    assert words in str(caught.value)
