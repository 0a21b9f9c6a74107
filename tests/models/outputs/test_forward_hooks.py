"""The hooks of a recording: which embedding, logits and stages are read, and which networks have none."""

import pytest
import timm
import torch
from mmpretrain.structures import DataSample
from support.classifiers import build, vision_transformer
from torch import nn

from mmkd_ext.models.outputs.forward_hooks import shadowed
from mmkd_ext.models.outputs.recording import recording


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


def test_a_method_is_hidden_for_a_while_and_an_attribute_that_hid_it_already_comes_back():
    module, seen = nn.Linear(2, 1), []
    with shadowed(module, 'extra_repr', seen.append):
        said = module.extra_repr()
    assert seen == [said] and 'extra_repr' not in module.__dict__
    module.extra_repr = own = lambda: 'own'
    with pytest.raises(KeyError), shadowed(module, 'extra_repr', seen.append):
        assert module.extra_repr() == 'own'
        raise KeyError
    assert seen == [said, 'own'] and module.extra_repr is own


def test_a_head_of_several_tasks_is_refused():
    tasks = dict(colour=dict(type='LinearClsHead', num_classes=4), shape=dict(type='LinearClsHead', num_classes=4))
    model = build(dict(
        type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
        neck=dict(type='GlobalAveragePooling'), head=dict(type='MultiTaskHead', in_channels=32, task_heads=tasks)))
    with pytest.raises(ValueError, match='got MultiTaskHead with the tasks colour, shape. Give it the head of one task'), recording(model):
        pass


def test_stages_that_a_plain_network_names_are_read_and_else_the_last_map_of_each_size(rng):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.layer1, self.stage2, self.fc = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 2, 2), nn.Conv2d(5, 6, 2, 2), nn.Linear(6, 7)

        def forward(self, x):
            return self.fc(self.stage2(self.layer1(self.stem(x))).mean(dim=(2, 3)))

    images = torch.randn(2, 3, 8, 8, generator=rng)
    named = Named()
    plain = nn.Sequential(named.stem, nn.ReLU(), named.layer1, named.stage2, nn.AdaptiveAvgPool2d(1), nn.Flatten(), named.fc)
    for network, widths in ((named, [5, 6]), (plain, [4, 5, 6])):
        with recording(network) as record:
            network(images)
        assert [x.shape[1] for x in record.outputs().stages] == widths
