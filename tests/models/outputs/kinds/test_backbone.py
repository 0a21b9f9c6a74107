"""Backbones as a kind: what one is, what it says without labels, and the losses that cannot compare it."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from torch import nn

from mmkd_ext.losses import EmbeddingLoss, KDLoss, MapLoss, NDLoss
from mmkd_ext.models.outputs.kinds.backbone import Backbone
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.registry import MODELS

CONFIG = dict(type='mmkd_ext.BackboneModel', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8))
VECTORS, ONE, MAP = (
    Outputs(tuple(torch.zeros(2, 4, side, side) for side in sides), torch.zeros(2, 4), torch.zeros(2, 0)) for sides in ((), (1,), (2,)))


def network():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(CONFIG).eval()


def test_one_is_known_by_its_type_and_by_its_class():
    assert Backbone.is_config(CONFIG) and Backbone.is_config(dict(type='BackboneModel'))
    assert not Backbone.is_config(dict(type='ImageClassifier')) and not Backbone.is_config({})
    assert Backbone.is_network(network()) and not Backbone.is_network(network().backbone)


def test_all_that_it_says_is_its_last_map_and_the_mean_of_it_and_there_is_no_label(rng):
    model = network()
    kind, images = Backbone(model), torch.randn(3, 3, 32, 32, generator=rng)
    last = model(images)[-1]
    mean = last.flatten(2).sum(dim=2) / last.shape[2:].numel()
    seen = kind.train(images, [DataSample().set_gt_label(1)] * 3, None)
    for said in (seen.outputs, kind.look(images), kind.answer(kind.look(images), None)):
        assert len(said.stages) == 1 and torch.equal(said.stages[0], last)
        torch.testing.assert_close(said.embedding, mean)
    assert seen.terms == {} and seen.places is None
    assert seen.target.shape == seen.rows.shape == kind.example_samples(images, 5).shape == (3, 0)
    torch.testing.assert_close(kind.raw(images, None), mean)
    assert torch.equal(Backbone.raw_predictions(model, images), last.detach().flatten(1))
    predicted = kind.predict(kind.look, images, [DataSample() for _ in range(3)])
    torch.testing.assert_close(torch.stack([x.embedding for x in predicted]), mean.detach(), check_stride=False)
    example, places = kind.example((3, 8, 9))
    assert example.shape == (2, 3, 8, 9) and places is None


def test_a_transformer_of_timm_is_looked_at_in_the_size_that_it_was_built_for():
    kind = Backbone(nn.Conv2d(3, 4, 3))
    kind.network.backbone = SimpleNamespace(timm_model=SimpleNamespace(patch_embed=SimpleNamespace(img_size=(48, 64))))
    assert kind.input_shape({}, None)[1:] == (48, 64) and kind.input_shape({}, (8, 9))[1:] == (8, 9)


@pytest.mark.parametrize(('loss', 'student', 'teacher', 'said'), [
    (KDLoss(), MAP, MAP, r'^losses.x \(KDLoss\) compares logits, which a student without a head has not: give it a head'),
    (NDLoss(), MAP, MAP, r'^losses.x \(NDLoss\) follows the means of classes and needs labels'),
    (MapLoss(), VECTORS, MAP, r"got only vectors \(2, 4\) of the student at 8 x 9 pixels.*out_type='featmap'.*Look at model.student.$"),
    (MapLoss(), MAP, VECTORS, r'got only vectors \(2, 4\) of the teacher at 8 x 9 pixels.*Look at model.teacher.$'),
    (MapLoss(), ONE, MAP, 'compares maps place by place, got a map of one place of the student at 8 x 9 pixels. Give it larger images'),
    (MapLoss(), MAP, ONE, 'got a map of one place of the teacher at 8 x 9 pixels')])
def test_a_loss_of_what_is_not_there_is_refused(loss, student, teacher, said):
    with pytest.raises(ValueError, match=said):
        Backbone.check_loss('x', loss, (8, 9), student, teacher)


def test_losses_of_features_that_are_there_pass():
    Backbone.check_loss('x', MapLoss(), (8, 9), MAP, MAP)
    for said in (VECTORS, ONE, MAP):
        Backbone.check_loss('x', EmbeddingLoss(), (8, 9), said, MAP)
