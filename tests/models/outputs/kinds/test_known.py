"""The contract for kinds: one that is defined here, in a few lines, trains, is compared, counted, saved and shipped like the others."""

import copy
from math import exp, log

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import _load_checkpoint_to_model, get_state_dict
from mmengine.structures import BaseDataElement
from torch import nn

from mmkd_ext.models.outputs.kinds.base import Kind, Pass
from mmkd_ext.models.outputs.kinds.classifier import Classifier
from mmkd_ext.models.outputs.kinds.known import KINDS, class_heads, kind_of, kind_of_config, register_kind
from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

CLASSES = 3


@MODELS.register_module(force=True)
class Segmenter(BaseModel):
    """Labels for the pixels of an image; -1 is no label."""

    def __init__(self, width=4, num_classes=CLASSES, data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.body, self.fc = nn.Conv2d(3, width, 1), nn.Conv2d(width, num_classes, 1)
        self.mask_head = nn.Identity()

    def forward(self, inputs, data_samples=None, mode='tensor'):
        embedding = self.body(inputs).relu()
        return embedding, self.fc(embedding)


class Pixels(Kind):
    """Its samples are the labelled pixels of the student's images, at (image, row, column)."""

    scope = 'mmkd_ext'
    compiles = shares_samples = watches_order = False
    no_onnx = 'it is a test'
    samples_name = 'labelled pixels'
    scores = None

    @staticmethod
    def is_config(cfg):
        return str(cfg.get('type')).endswith('Segmenter')

    @staticmethod
    def is_network(network):
        return isinstance(network, Segmenter)

    def train(self, inputs, samples, preprocessor):
        labels = torch.stack([sample.labels for sample in samples])
        places = (labels >= 0).nonzero().unbind(dim=1)
        features = self.look(inputs)
        outputs = self.answer(features, places)
        terms = {'loss_pixels': nn.functional.cross_entropy(outputs.logits, labels[places])}
        return Pass(terms, outputs, labels[places], labels[places], places, features)

    def look(self, inputs, samples=None, keep=True):
        return self.network(inputs)

    def answer(self, features, places):
        image, row, column = places
        embedding, logits = (x[image, :, row, column] for x in features)
        return Outputs((), embedding, logits, scores=self.scores)

    def example(self, shape):
        return torch.zeros(1, *shape), (torch.tensor([0]), torch.tensor([1]), torch.tensor([1]))

    def class_mean_samples(self, teacher, data, classes):
        seen = self.train(data['inputs'], data['data_samples'], None)
        return teacher(data['inputs'], None, seen.places), seen.rows

    @staticmethod
    def joined_raw(said, several):
        return dict(said)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr('mmkd_ext.models.outputs.kinds.known.KINDS', [*KINDS])
    register_kind(Pixels)


LOSSES = dict(
    kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=0.5), nd=dict(type='mmkd_ext.NDLoss', dropout=0.0))
SMALL, LARGE = dict(type='mmkd_ext.Segmenter'), dict(type='mmkd_ext.Segmenter', width=6)
RANDOM = dict(checkpoint=None, allow_random=True)


def config(losses=LOSSES):
    return dict(
        type='mmkd_ext.OfflineDistiller', student=SMALL, teacher=dict(model=LARGE, **RANDOM), losses=losses, input_size=4)


def build(cfg):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(copy.deepcopy(cfg))


def batch(rng):
    labels = torch.randint(-1, CLASSES, (2, 5, 5), generator=rng)
    return torch.randn(2, 3, 5, 5, generator=rng), [BaseDataElement(labels=each) for each in labels], labels


def naive_kd(student, teacher, tau):
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        p, q = ([exp(z / tau) for z in row] for row in (s, t))
        total += sum(b / sum(q) * log(b / sum(q) * sum(p) / a) for a, b in zip(p, q, strict=True))
    return tau**2 * total / len(student)


def test_the_kind_is_known_by_config_network_and_distiller():
    assert kind_of_config(SMALL) is Pixels and kind_of(Segmenter()) is Pixels and kind_of(build(config({}))) is Pixels
    assert kind_of_config(dict(type='ImageClassifier')) is Classifier and kind_of(nn.Linear(1, 1)) is Classifier
    assert kind_of_config(dict(type='AnyRCNN', roi_head=dict(type='X'))) is TwoStage
    assert 'bbox_head' in class_heads(boxes=True) and 'head' in class_heads(boxes=False)


def test_its_networks_are_compared_at_the_student_s_samples(rng):
    model = build(config()).train()
    model.distill.nd.set_class_means(torch.rand(CLASSES, 6, generator=rng) + 0.1)
    images, samples, labels = batch(rng)
    terms = model(images, samples, mode='loss')
    said = {name: network(images)[1] for name, network in (('student', model.student), ('teacher', model.teachers['teacher'].network))}
    pixels = [(n, i, j) for n in range(2) for i in range(5) for j in range(5) if labels[n, i, j] >= 0]
    rows = {name: [x[n, :, i, j].tolist() for n, i, j in pixels] for name, x in said.items()}
    assert 10 < len(pixels) < 50
    assert float(terms['loss_kd'].detach()) == pytest.approx(0.5 * naive_kd(rows['student'], rows['teacher'], 2.0), abs=1e-6)
    top1 = sum(row.index(max(row)) == labels[place] for row, place in zip(rows['student'], pixels, strict=True)) / len(pixels)
    assert float(terms['student_top1']) == pytest.approx(100 * float(top1), abs=1e-4)
    assert 'loss_pixels' in terms and terms['loss_nd'] > 0
    sum(value for key, value in terms.items() if 'loss' in key).backward()
    assert all(p.grad is not None for p in model.parameters())
    assert all(p.grad is None for p in model.teachers['teacher'].network.parameters())


def test_it_is_counted_and_its_class_means_have_its_samples(rng):
    model = build(config()).train()
    assert model.num_classes == CLASSES and model.class_mean_names(('a', 'b', 'c')) == ['a', 'b', 'c']
    images, samples, labels = batch(rng)
    outputs, rows = model.class_mean_samples(model.teachers['teacher'], dict(inputs=images, data_samples=samples))
    assert outputs.embedding.shape == (int((labels >= 0).sum()), 6) and rows.tolist() == labels[labels >= 0].tolist()
    model.distill.nd.set_class_means(torch.ones(CLASSES + 1, 6))
    with pytest.raises(ValueError, match='losses.nd needs class means of 3 rows, one for each class of the student, got 4'):
        model(images, samples, mode='loss')


def test_without_a_sample_its_losses_are_zero_and_keep_the_graph(rng):
    model = build(config(dict(kd=LOSSES['kd']))).train()
    images, samples, _ = batch(rng)
    for sample in samples:
        sample.labels = torch.full((5, 5), -1)
    terms = model(images, samples, mode='loss')
    assert float(terms['loss_kd'].detach()) == 0
    terms['loss_kd'].backward()
    assert model.student.fc.weight.grad is not None


def test_its_checkpoint_and_its_config_are_the_plain_network_s():
    model = build(config())
    assert plain_model(config()) == SMALL
    plain = MODELS.build(SMALL)
    state = {key: value for key, value in get_state_dict(model).items() if not key.startswith('distill.')}
    _load_checkpoint_to_model(plain, dict(state_dict=state), strict=True)
    assert torch.equal(plain.fc.weight, model.student.fc.weight)
    again = copy.deepcopy(model)
    assert again.reader.network is again.student is not model.student


def test_a_sigmoid_for_each_class_is_told_by_its_outputs(rng, monkeypatch):
    monkeypatch.setattr(Pixels, 'scores', 'sigmoid')
    model = build(config(dict(kd=LOSSES['kd']))).train()
    images, samples, labels = batch(rng)
    terms = model(images, samples, mode='loss')
    mine, theirs = (network(images)[1].permute(0, 2, 3, 1)[labels >= 0] for network in (model.student, model.teachers['teacher'].network))
    p, q = (mine / 2).sigmoid(), (theirs / 2).sigmoid()
    binary = (q * (q / p).log() + (1 - q) * ((1 - q) / (1 - p)).log()).sum(dim=1).mean()
    assert float(terms['loss_kd'].detach()) == pytest.approx(float(0.5 * 4 * binary.detach()), rel=1e-4)
    with pytest.raises(ValueError, match='compares one softmax'):
        build(config(dict(kd=dict(type='mmkd_ext.DISTLoss'))))


def test_its_networks_train_together_each_at_its_own_samples(rng):
    cfg = dict(
        type='mmkd_ext.MutualLearningDistiller', students=dict(a=SMALL, b=LARGE), teacher=LARGE, input_size=4,
        losses=dict(kd=LOSSES['kd'], ml=dict(type='mmkd_ext.MutualLearningLoss')))
    model = build(cfg).train()
    images, samples, _ = batch(rng)
    terms = model(images, samples, mode='loss')
    assert {'loss_kd_a', 'loss_kd_b', 'loss_ml_a', 'loss_ml_b', 'a_loss_pixels', 'teacher_loss_pixels'} <= set(terms)
    (terms['loss_kd_a'] + terms['loss_ml_a']).backward(retain_graph=True)
    touched = {name.split('.')[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched == {'a'}
