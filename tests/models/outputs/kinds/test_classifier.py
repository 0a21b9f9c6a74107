"""Classifiers as a kind: the images are the samples; labels in every form, joined probabilities, configs with other classes."""

from math import exp, log

import pytest
import torch
from mmengine.config import ConfigDict
from mmpretrain.structures import DataSample
from support.classifiers import image_classifier
from support.small_teacher import SMALL
from torch import nn

from mmkd_ext.models.outputs.kinds.classifier import Classifier, target_of
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID


def test_one_pass_has_the_loss_the_outputs_and_the_labels_and_is_answered_as_it_is(rng):
    torch.manual_seed(0)
    reader = Classifier(image_classifier().train())
    passes = []
    reader.network.backbone.register_forward_hook(lambda *_: passes.append(1))
    samples = [DataSample().set_gt_label(label) for label in (1, 3)]
    seen = reader.train(torch.randn(2, 3, 16, 16, generator=rng), samples, None)
    torch.testing.assert_close(seen.terms['loss'], nn.functional.cross_entropy(seen.outputs.logits, torch.tensor([1, 3])))
    assert seen.target.tolist() == seen.rows.tolist() == [1, 3] and seen.places is None and len(passes) == 1
    assert reader.answer(seen.features, seen.places) is seen.outputs


def test_a_look_gives_the_logits_that_the_network_gives(rng):
    network, images = image_classifier().eval(), torch.randn(2, 3, 16, 16, generator=rng)
    reader = Classifier(network)
    with torch.no_grad():
        expected = network(images)
        for found in (reader.look(images).logits, reader.raw(images, None), reader.raw_predictions(network, images)):
            assert torch.equal(found, expected)
    assert reader.example((3, 16, 16))[0].shape == (2, 3, 16, 16)


LABEL, SCORE = DataSample().set_gt_label(1), DataSample().set_gt_score(torch.tensor([0.3, 0.7, 0.0]))
BOTH = DataSample().set_gt_label(2).set_gt_score(torch.tensor([0.0, 0.5, 0.5]))
SAID = Outputs((), torch.zeros(1, 2), torch.zeros(1, 3))


class Mixing:
    batch_augments = 'mixup'


@pytest.mark.parametrize(('sample', 'preprocessor', 'target'), [
    (LABEL, None, [1]), (SCORE, None, [[0.3, 0.7, 0.0]]), (BOTH, None, [2]), (BOTH, Mixing(), [[0.0, 0.5, 0.5]]), (LABEL, Mixing(), [1])],
    ids=['label', 'score', 'both', 'mixed', 'not mixed this time'])
def test_the_target_is_the_label_unless_images_are_mixed_or_have_shares_only(sample, preprocessor, target):
    torch.testing.assert_close(target_of([sample], preprocessor, SAID), torch.tensor(target))


def test_of_sigmoids_each_label_of_an_image_has_the_same_share():
    samples = [DataSample().set_gt_label(labels) for labels in ([0, 2], [1], [])]
    found = target_of(samples, None, SAID._replace(scores=SIGMOID))
    assert found.tolist() == [[0.5, 0, 0.5], [0, 1, 0], [0, 0, 0]]


def test_several_networks_are_joined_by_the_mean_of_their_probabilities(rng):
    a, b = torch.randn(2, 2, 3, generator=rng)
    found = Classifier.joined_raw(dict(a=a, b=b), True)
    for n in range(2):
        p, q = ([exp(z) / sum(map(exp, row)) for z in row] for row in (a[n].tolist(), b[n].tolist()))
        assert found[n].tolist() == pytest.approx([log((x + y) / 2) for x, y in zip(p, q, strict=True)], rel=1e-5)
    assert Classifier.joined_raw(dict(a=a), False) is a


def test_joined_samples_keep_what_they_have_and_each_network_s_own():
    def sample(*scores):
        return DataSample().set_pred_score(torch.tensor(scores))

    said = dict(a=[sample(0.8, 0.2)], b=[sample(0.1, 0.9)], teacher=[sample(1.0, 0.0)])
    (found,) = Classifier.joined([DataSample().set_gt_label(1)], said, dict(a=None, b=None))
    torch.testing.assert_close(found.pred_score, torch.tensor([0.45, 0.55]))
    assert (found.pred_label.item(), found.gt_label.item(), found.networks['teacher']) == (1, 1, said['teacher'][0])
    assert len(Classifier.joined(None, said, dict(a=None))) == 1


def test_a_frozen_teacher_predicts_by_softmax():
    reader = Classifier(nn.Identity())
    (found,) = reader.predict(lambda _: Outputs((), torch.zeros(1, 2), torch.tensor([[0.0, log(3.0)]])), None, [DataSample()])
    torch.testing.assert_close(found.pred_score, torch.tensor([0.25, 0.75]))
    assert found.pred_label.item() == 1


def test_class_means_are_of_all_images_with_their_labels():
    data = dict(inputs='images', data_samples=[DataSample().set_gt_label(4), DataSample().set_gt_label(0)])
    outputs, rows = Classifier(nn.Identity()).class_mean_samples(lambda images: f'outputs of {images}', data, 5)
    assert outputs == 'outputs of images' and rows.tolist() == [4, 0]
    assert Classifier(nn.Identity()).example_samples(torch.zeros(4, 3, 8, 8), 3).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(('model', 'place'), [
    (SMALL, lambda x: x.head), (dict(type='TimmClassifier', model_name='x'), lambda x: x),
    (dict(type='mmkd_ext.TorchvisionClassifier'), lambda x: x),
    (dict(type='ImageClassifier', backbone=dict(type='VGG', num_classes=1000), head=dict(type='ClsHead')), lambda x: x.backbone)],
    ids=['head', 'timm', 'torchvision', 'backbone'])
def test_classes_are_set_where_a_model_has_them(model, place):
    plain = ConfigDict(model)
    assert Classifier.set_classes(plain, 3) and place(plain).num_classes == 3
    assert Classifier.is_config(plain) and Classifier.is_network(nn.Identity())


def test_whatever_counts_classes_beside_a_head_is_set_too():
    head = dict(type='LinearClsHead', num_classes=9, topk=(1, 5), loss=dict(type='LabelSmoothLoss', num_classes=9))
    plain = ConfigDict(type='ImageClassifier', head=head, data_preprocessor=dict(num_classes=9))
    assert Classifier.set_classes(plain, 3)
    assert (plain.head.topk, plain.head.loss.num_classes, plain.data_preprocessor.num_classes) == ((1,), 3, 3)
    plain.head.topk = 1
    assert Classifier.set_classes(plain, 4) and plain.head.topk == (1,)
    assert not Classifier.set_classes(ConfigDict(type='Own'), 3)


@pytest.mark.parametrize(('neck', 'indices', 'left'), [
    (dict(type='GlobalAveragePooling'), (1, 2, 4), (4,)), (None, (0, 3), (3,)),
    (dict(type='mmpretrain.GeneralizedMeanPooling'), [2, 3], (3,)),
    (dict(type='GlobalAveragePooling'), (-1,), (-1,)), ([dict(type='HRFuseScales')], (0, 1), (0, 1)),
    (dict(type='HRFuseScales'), (0, 1), (0, 1)), (dict(type='GlobalAveragePooling'), 3, 3)], ids=str)
def test_deployed_are_the_last_stage_alone_where_the_neck_reads_no_other(neck, indices, left):
    plain = ConfigDict(type='ImageClassifier', backbone=dict(type='X', out_indices=indices), neck=neck)
    assert Classifier.deployed(plain).backbone.out_indices == left


def test_a_detector_is_no_teacher_of_a_classifier():
    class BaseDetector(nn.Module):  # of mmdet by its name, which need not be installed
        pass

    class Own(BaseDetector):
        pass

    with pytest.raises(ValueError, match='compared with classifiers, got Own, a detector, as teacher'):
        Classifier(Own(), 'teacher').check()
    Classifier(nn.Identity(), 'teacher').check()
