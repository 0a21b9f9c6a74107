"""Outputs of mmpretrain's models: one forward pass, the classifier's own input, nothing left behind."""

import copy
import pickle

import pytest
import timm
import torch
import torchvision
from mmpretrain.structures import DataSample
from support.classifiers import build, image_classifier, vision_transformer
from torch import nn

from mmkd_ext.models.outputs.recording import recording


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
