"""TorchvisionBackbone against torchvision's classifiers, cut behind their last map, and the sentences for those that cannot be cut."""

import pytest
import torch
import torchvision

from mmkd_ext.models.backbones.torchvision_backbone import TorchvisionBackbone
from mmkd_ext.models.outputs.features import features_of
from mmkd_ext.registry import MODELS


@pytest.mark.parametrize('name', ['resnet18', 'regnet_y_400mf', 'shufflenet_v2_x0_5', 'mnasnet0_5', 'mobilenet_v3_small', 'swin_t'])
def test_it_is_torchvisions_classifier_up_to_the_last_map(rng, name):
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, weights=None).eval()
    backbone = MODELS.build(dict(type='mmkd_ext.TorchvisionBackbone', model_name=name)).eval()
    backbone.load_state_dict({key: value for key, value in network.state_dict().items() if key in backbone.state_dict()}, strict=True)
    entered = []
    classifier = [x for x in network.modules() if isinstance(x, torch.nn.Linear)][-1]
    classifier.register_forward_pre_hook(lambda _, args: entered.append(args[0]))
    x = torch.randn(2, 3, 64, 64, generator=rng)
    with torch.no_grad():
        said = features_of(network, x)
        (last,) = backbone(x)
    assert last.ndim == 4 and last.shape[2:] == (2, 2)
    pooled = last.mean(dim=(2, 3))
    if name.startswith('mobilenet'):  # which has a layer more before its classifier
        pooled = network.classifier[1](network.classifier[0](pooled))
    torch.testing.assert_close(pooled, entered[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(said.embedding, entered[0], rtol=0, atol=0)


def test_nothing_behind_the_last_map_is_kept_and_options_are_the_builder_s():
    network = TorchvisionBackbone('resnet18', replace_stride_with_dilation=None, width_per_group=64, zero_init_residual=True)
    keys = set(torchvision.models.resnet18().state_dict())
    assert set(network.state_dict()) == {key for key in keys if not key.startswith('fc.')}
    assert network.layer1[0].bn2.weight.abs().sum() == 0


def test_a_file_of_torchvision_s_weights_goes_in(tmp_path):
    torch.manual_seed(0)
    whole = torchvision.models.shufflenet_v2_x0_5()
    torch.save(whole.state_dict(), tmp_path / 'shufflenet.pth')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'shufflenet.pth'))
    backbone = TorchvisionBackbone('shufflenet_v2_x0_5', init_cfg=init)
    backbone.init_weights()
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in backbone.state_dict().items())


@pytest.mark.parametrize(('name', 'said'), [
    ('resnet19', '^A network that torchvision knows is needed, got torchvision/resnet19: .*Unknown model'),
    ('inception_v3', 'a chain up to its last map is needed as a backbone, got torchvision/inception_v3. timm and mmpretrain have such')])
def test_a_network_that_is_unknown_or_no_chain_is_refused(name, said):
    with pytest.raises(ValueError, match=said):
        TorchvisionBackbone(name, **(dict(init_weights=False) if name == 'inception_v3' else {}))
