"""Outputs of mmpretrain's models: one forward pass, the classifier's own input, nothing left behind."""

import copy
import pickle

import pytest
import timm
import torch
import torchvision
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import nn

from mmkd_ext.models.outputs.feature_maps import as_map
from mmkd_ext.models.outputs.recording import recording


def build(cfg):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(cfg)


def image_classifier(**backbone):
    backbone = dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, **backbone)
    return build(dict(
        type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=5, in_channels=32)))


def vision_transformer(**head):
    backbone = dict(
        type='VisionTransformer', arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16),
        img_size=16, patch_size=4, out_type='featmap' if head.get('type') == 'LinearClsHead' else 'cls_token')
    neck = dict(type='GlobalAveragePooling') if head.get('type') == 'LinearClsHead' else None
    return build(dict(type='ImageClassifier', backbone=backbone, neck=neck, head=dict(num_classes=5, in_channels=16, **head)))


def vgg():
    return build(dict(type='ImageClassifier', backbone=dict(type='VGG', depth=11, num_classes=5), head=dict(type='ClsHead')))


def timm_classifier(name, **kwargs):
    return build(dict(type='TimmClassifier', model_name=name, num_classes=5, **kwargs))


# model, side of its images, its classifier, the number of its stages
CASES = {
    'ImageClassifier, one stage': (image_classifier, 16, 'head.fc', 1),
    'ImageClassifier, all stages': (lambda: image_classifier(out_indices=(0, 1, 2, 3)), 16, 'head.fc', 4),
    'class token': (lambda: vision_transformer(type='VisionTransformerClsHead'), 16, 'head.layers.head', 1),
    'hidden layer in the head': (
        lambda: vision_transformer(type='VisionTransformerClsHead', hidden_dim=9), 16, 'head.layers.head', 1),
    'tokens as a map': (lambda: vision_transformer(type='LinearClsHead'), 16, 'head.fc', 1),
    'classifier in the backbone': (vgg, 224, 'backbone.classifier.6', 6),
    'timm CNN': (lambda: timm_classifier('test_resnet'), 32, 'model.fc', 5),
    'timm ViT': (lambda: timm_classifier('test_vit', img_size=32), 32, 'model.head', 6),
    'timm, NHWC inside': (lambda: timm_classifier('swin_tiny_patch4_window7_224', depths=(1, 1), num_heads=(2, 4),
                                                  embed_dim=8, img_size=56), 56, 'model.head.fc', 2),
    'bare timm': (lambda: timm.create_model('test_resnet', num_classes=5), 32, 'fc', 5),
    'torchvision': (lambda: torchvision.models.resnet18(num_classes=5), 32, 'fc', 4),
}


@pytest.fixture(scope='module', params=CASES, ids=list(CASES))
def case(request):
    make, side, classifier, stages = CASES[request.param]
    torch.manual_seed(0)
    return make().eval(), side, classifier, stages


def test_embedding_is_what_the_classifier_maps_to_the_logits(case, rng):
    model, side, classifier, stages = case
    images = torch.randn(2, 3, side, side, generator=rng)
    with recording(model) as record, torch.no_grad():
        result = model(images)
    outputs = record.outputs()
    torch.testing.assert_close(outputs.logits, result)
    torch.testing.assert_close(model.get_submodule(classifier)(outputs.embedding), outputs.logits)
    assert len(outputs.stages) == stages
    assert all(x.ndim == 4 and x.shape[2] == x.shape[3] for x in outputs.stages)


def test_nothing_stays_on_the_model(case, rng):
    model, side, _, _ = case
    before = {name: dict(module.__dict__) for name, module in model.named_modules()}
    keys = list(model.state_dict())
    with recording(model) as record, torch.no_grad():
        model(torch.randn(1, 3, side, side, generator=rng))
    record.outputs()
    for name, module in model.named_modules():
        assert module.__dict__.keys() == before[name].keys(), name
        assert not module._forward_hooks and not module._forward_pre_hooks
    assert list(model.state_dict()) == keys
    copy.deepcopy(model)


def test_the_students_own_loss_comes_from_the_recorded_pass(rng):
    model = image_classifier().train()
    seen = []
    model.backbone.conv1.register_forward_hook(lambda *_: seen.append(1))
    samples = [DataSample().set_gt_label(label) for label in (1, 3)]
    with recording(model) as record:
        loss = model.loss(torch.randn(2, 3, 16, 16, generator=rng), samples)['loss']
    logits = record.outputs().logits
    assert len(seen) == 1
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, torch.tensor([1, 3])))
    (gradient,) = torch.autograd.grad(logits.sum(), model.head.fc.bias)
    assert gradient.tolist() == [2.0] * 5


def test_a_model_that_raised_is_left_clean_and_can_be_pickled():
    model = torchvision.models.resnet18(num_classes=5)
    with pytest.raises(RuntimeError), recording(model):
        model(torch.zeros(1, 4, 32, 32))
    assert pickle.loads(pickle.dumps(model)).state_dict().keys() == model.state_dict().keys()


def test_two_tokens_are_averaged_and_two_widths_stand_side_by_side(rng):
    deit = timm.create_model(
        'deit_tiny_distilled_patch16_224', num_classes=5, img_size=32, embed_dim=8, num_heads=2, depth=1).eval()
    with recording(deit) as record, torch.no_grad():
        deit(torch.randn(2, 3, 32, 32, generator=rng))
    cls, dist = record.embeddings
    torch.testing.assert_close(record.outputs().embedding, (cls + dist) / 2)
    torch.testing.assert_close(record.outputs().logits, (deit.head(cls) + deit.head_dist(dist)) / 2)
    record.embeddings = [cls, cls[:, :3]]
    assert record.outputs().embedding.shape == (2, 11)


def test_not_exactly_one_pass_is_an_error():
    model = image_classifier().eval()
    with recording(model) as record:
        pass
    with pytest.raises(RuntimeError, match='Exactly one forward pass of ImageClassifier .* got 0'):
        record.outputs()
    with recording(model) as record, torch.no_grad():
        model(torch.zeros(1, 3, 16, 16))
        model(torch.zeros(1, 3, 16, 16))
    with pytest.raises(RuntimeError, match='got 2'):
        record.outputs()


def test_a_network_without_a_linear_classifier_is_named():
    with pytest.raises(ValueError, match='Sequential needs an nn.Linear'), recording(nn.Sequential(nn.Conv2d(3, 5, 1))):
        pass
    headless = timm.create_model('test_resnet', num_classes=0)
    with pytest.raises(ValueError, match='num_classes=0'), recording(headless):
        pass


def test_tokens_beside_a_class_token_are_the_map_that_the_backbone_would_return(rng):
    images = torch.randn(2, 3, 16, 16, generator=rng)
    token, maps = vision_transformer(type='VisionTransformerClsHead').eval(), vision_transformer(type='LinearClsHead').eval()
    maps.backbone.load_state_dict(token.backbone.state_dict())
    with recording(token) as record, torch.no_grad():
        token(images)
        (expected,) = maps.backbone(images)
    (stage,) = record.outputs().stages
    torch.testing.assert_close(stage, expected)


@pytest.mark.parametrize('images', [(64, 64), (32, 64), (96, 32)])
@pytest.mark.parametrize('prefix', [0, 1, 2, 5])
def test_tokens_lie_as_the_image(rng, images, prefix):
    grid = images[0] // 8, images[1] // 8
    expected = torch.randn(2, 6, *grid, generator=rng)
    tokens = torch.cat([torch.randn(2, prefix, 6, generator=rng), expected.flatten(2).transpose(1, 2)], dim=1)
    shape = torch.Size([2, 3, *images])
    torch.testing.assert_close(as_map(tokens, shape, None, prefix), expected)
    torch.testing.assert_close(as_map(expected.permute(0, 2, 3, 1), shape), expected)
    torch.testing.assert_close(as_map(expected, shape, 6), expected)
    assert as_map(expected, shape, 7) is None
    assert as_map(tokens[:1], shape, None, prefix) is None  # as many rows as windows, not as images
    assert as_map(torch.zeros(2, 23, 6), torch.Size([2, 3, 64, 64]), None, prefix) is None


def test_arcface_is_read_without_the_margin_of_its_loss(rng):
    model = build(dict(
        type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
        neck=dict(type='GlobalAveragePooling'), head=dict(type='ArcFaceClsHead', num_classes=5, in_channels=32)))
    images = torch.randn(4, 3, 16, 16, generator=rng)
    samples = [DataSample().set_gt_label(label) for label in (1, 3, 0, 4)]
    with recording(model.train()) as record:
        model(images, samples, mode='loss')
    outputs = record.outputs()
    weight = nn.functional.normalize(model.head.norm_product.weight, dim=1)
    cosine = nn.functional.normalize(outputs.embedding, dim=1) @ weight.T
    torch.testing.assert_close(outputs.logits, 64 * cosine)


def test_a_backbone_without_a_head_is_named():
    model = build(dict(type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18)))
    with pytest.raises(ValueError, match='ImageClassifier needs a head .* got a ResNet_CIFAR without one'), recording(model):
        pass
