"""features_of against what timm, mmpretrain and torchvision say themselves of a pooled token and a last map."""

import pytest
import timm
import torch
import torchvision
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS as ZOO

from mmkd_ext.models.outputs.features import features_of
from mmkd_ext.registry import MODELS


def images(rng, side=32):
    return torch.randn(2, 3, side, side, generator=rng)


@pytest.mark.parametrize(('options', 'prefix'), [
    (dict(), 1), (dict(reg_tokens=4), 5), (dict(class_token=False, global_pool='avg'), 0), (dict(global_pool='map'), 1)])
@pytest.mark.parametrize('shape', [(32, 32), (32, 64)])
def test_a_timm_transformer_is_pooled_and_folded_as_timm_does(rng, options, prefix, shape):
    torch.manual_seed(0)
    network = timm.create_model('test_vit', num_classes=0, img_size=shape, patch_size=8, **options).eval()
    assert network.num_prefix_tokens == prefix
    x = torch.randn(2, 3, *shape, generator=rng)
    with torch.no_grad():
        said = features_of(network, x)
        (last,) = network.forward_intermediates(x, indices=1, norm=True, intermediates_only=True)
        torch.testing.assert_close(said.stages[0], last, rtol=0, atol=0)
        torch.testing.assert_close(said.embedding, network(x), rtol=0, atol=0)
    assert len(said.stages) == 1 and said.stages[0].shape == (2, 64, shape[0] // 8, shape[1] // 8) and said.logits.shape == (2, 0)


@pytest.mark.parametrize('name', ['test_resnet', 'test_convnext', 'test_efficientnet', 'test_nfnet'])
@pytest.mark.parametrize('classes', [0, 5])
def test_a_timm_network_with_or_without_a_head(rng, name, classes):
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=classes).eval()
    x = images(rng, 64)
    with torch.no_grad():
        said = features_of(network, x)
        network.reset_classifier(0)
        torch.testing.assert_close(said.embedding, network(x), rtol=0, atol=0)
        torch.testing.assert_close(said.stages[0], network.forward_features(x), rtol=0, atol=0)


@pytest.mark.parametrize('name', ['resnet18', 'mobilenet_v3_small'])
def test_torchvisions_classifiers_by_what_enters_their_last_layer(rng, name):
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, weights=None).eval()
    entered = []
    last = [x for x in network.modules() if isinstance(x, torch.nn.Linear)][-1]
    last.register_forward_pre_hook(lambda _, args: entered.append(args[0]))
    with torch.no_grad():
        said = features_of(network, images(rng, 64))
    torch.testing.assert_close(said.embedding, entered[0], rtol=0, atol=0)
    assert len(said.stages) == 1 and said.stages[0].shape[2:] == (2, 2)


@pytest.mark.parametrize(('out_type', 'maps'), [('cls_token', 0), ('raw', 1), ('featmap', 1)])
def test_an_mmpretrain_transformer_by_what_it_returns(rng, out_type, maps):
    torch.manual_seed(0)
    cfg = dict(type='VisionTransformer', arch='deit-tiny', img_size=32, patch_size=8, out_type=out_type)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        backbone = ZOO.build(cfg)
    backbone.eval()
    x = images(rng)
    with torch.no_grad():
        said = features_of(backbone, x)
        (out,) = backbone(x)
    assert len(said.stages) == maps and said.embedding.shape == (2, 192)
    if out_type == 'raw':
        torch.testing.assert_close(said.embedding, out[:, 0], rtol=0, atol=0)
        torch.testing.assert_close(said.stages[0][1, :, 2, 3], out[1, 1 + 2 * 4 + 3], rtol=0, atol=0)
    if out_type == 'featmap':
        torch.testing.assert_close(said.embedding, out.mean(dim=(2, 3)), rtol=0, atol=0)


def test_of_several_maps_the_last_counts_and_the_others_get_a_gradient_of_zero(rng):
    torch.manual_seed(0)
    arch = dict(embed_dims=16, depths=[1, 1], num_heads=[1, 1])
    model = MODELS.build(dict(type='mmkd_ext.BackboneModel', backbone=dict(
        type='mmpretrain.SwinTransformer', window_size=2, arch=arch, img_size=32, out_indices=(0, 1))))
    model.eval()  # without its drop-path
    x = images(rng)
    said = features_of(model, x)
    torch.testing.assert_close(said.stages[0], model(x)[-1], rtol=0, atol=0)
    said.embedding.sum().backward()
    assert all(p.grad is not None for p in model.parameters())  # or DDP would wait for them
    assert model.backbone.norm0.weight.grad.abs().sum() == 0
