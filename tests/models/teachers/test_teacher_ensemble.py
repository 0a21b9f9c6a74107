"""Several frozen teachers as one: how their predictions are joined, and the laws of a frozen teacher."""

import copy
import math

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS as CLASSIFIERS
from support.offline import HEAD, LOSSES, STUDENT, batch, distiller, read, step

from mmkd_ext.losses import kd_loss
from mmkd_ext.models import Outputs
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.teachers.teacher_ensemble import TeacherEnsemble
from mmkd_ext.models.zoo.spec import read_spec
from mmkd_ext.registry import MODELS

KD = dict(kd=LOSSES['kd'])
RANDOM = dict(checkpoint=None, allow_random=True)
NARROW = dict(model=STUDENT, **RANDOM)
WIDE = dict(
    model=dict(STUDENT, backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, width=2), head=dict(HEAD, in_channels=128)), **RANDOM)


def built(*specs, **options):
    torch.manual_seed(3)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        ensemble = TeacherEnsemble(list(specs), **options)
    for i, teacher in enumerate(ensemble.teachers):
        torch.nn.init.normal_(teacher.network.head.fc.weight, std=3.0, generator=torch.Generator().manual_seed(i))
    return ensemble


def naive(logits, shares):
    """Means of probabilities, in plain Python."""
    rows = []
    for several in zip(*(each.tolist() for each in logits), strict=True):
        parts = [[math.exp(z - max(row)) for z in row] for row in several]
        parts = [[p / sum(row) for p in row] for row in parts]
        rows.append([sum(s * p for s, p in zip(shares, column, strict=True)) for column in zip(*parts, strict=True)])
    return torch.tensor(rows)


@pytest.mark.parametrize(('weights', 'shares'), [(None, [0.5, 0.5]), ([1, 3], [0.25, 0.75]), ((2.0, 0), [1.0, 0.0])])
def test_the_softmax_of_the_logits_is_the_weighted_mean_of_the_probabilities(rng, weights, shares):
    ensemble = built(NARROW, WIDE, weights=weights)
    images = torch.randn(5, 3, 16, 16, generator=rng)
    with torch.no_grad():
        logits = [each.network(images) for each in ensemble.teachers]
    said = ensemble(images)
    torch.testing.assert_close(said.logits.softmax(dim=1), naive(logits, shares))
    assert not said.logits.requires_grad and said.logits.isfinite().all()
    assert torch.equal(said.embedding, ensemble.teachers[0](images).embedding)
    assert [x.shape for x in said.stages] == [x.shape for x in ensemble.teachers[0](images).stages]


def test_by_confidence_each_sample_has_the_logits_of_the_surest_teacher(rng):
    ensemble = built(NARROW, WIDE, by='confidence')
    images = torch.randn(4, 3, 16, 16, generator=rng)
    logits = torch.stack([each(images).logits for each in ensemble.teachers])
    surest = logits.softmax(dim=2).amax(dim=2).argmax(dim=0)
    torch.testing.assert_close(ensemble(images).logits, torch.stack([logits[m, n] for n, m in enumerate(surest.tolist())]))
    one = torch.tensor([[9.0, 9.0, 0.0], [3.0, 1.0, 0.0], [0.0, 0.0, 0.0]])  # 0.50, 0.84 and 0.33 sure
    other = torch.tensor([[1.0, 0.0, 0.5], [0.0, 4.0, 0.0], [0.0, 1.0, 0.0]])  # 0.51, 0.96 and 0.58
    third = torch.tensor([[1.0, 0.9, 0.5], [0.0, 4.0, 9.0], [-20.0, -20.0, -20.0]])  # 0.40, 0.99 and 0.33
    found = ensemble._joined([Outputs((), torch.zeros(3, 2), each) for each in (one, other, third)]).logits
    assert found.tolist() == [other[0].tolist(), third[1].tolist(), other[2].tolist()]


def test_heads_for_several_labels_are_joined_by_the_mean_of_each_class(rng):
    several = dict(NARROW, model=dict(STUDENT, head=dict(type='MultiLabelLinearClsHead', num_classes=5, in_channels=64)))
    ensemble = built(several, several, weights=[1, 3])
    images = torch.randn(3, 3, 16, 16, generator=rng)
    one, other = (each(images).logits.sigmoid() for each in ensemble.teachers)
    torch.testing.assert_close(ensemble(images).logits.sigmoid(), 0.25 * one + 0.75 * other)
    with pytest.raises(ValueError, match="several labels needs by='mean'"):
        built(several, several, by='confidence')(images)
    with pytest.raises(ValueError, match='got ImageClassifier: 5 of softmax, ImageClassifier: 5 of sigmoid'):
        built(NARROW, several)(images)


def ensemble_of(*specs, **options):
    return dict(type='mmkd_ext.TeacherEnsemble', teachers=list(specs), **options)


def test_a_distiller_follows_the_joined_prediction_and_shows_its_accuracy(rng):
    model = distiller(teacher=ensemble_of(WIDE, NARROW, by='mean'), losses=LOSSES)
    ensemble = model.teachers['teacher']
    assert isinstance(ensemble, TeacherEnsemble) and ensemble.num_classes == 5
    inputs, samples = read(model, batch(rng))
    terms = model.loss(inputs, samples)
    with torch.no_grad():
        student = model.student(inputs)
    said = ensemble(inputs)
    torch.testing.assert_close(terms['loss_kd'].detach(), 2.5 * kd_loss(student, said.logits, 4.0), rtol=1e-4, atol=1e-5)
    target = torch.cat([sample.gt_label for sample in samples])
    torch.testing.assert_close(terms['teacher_top1'], 100 * (said.logits.argmax(dim=1) == target).float().mean())
    predicted = torch.stack([x.pred_score for x in ensemble.predict(inputs, samples)])
    torch.testing.assert_close(predicted, said.logits.softmax(dim=1))


def test_every_teacher_is_frozen_and_no_part_of_the_distiller(rng):
    model = distiller(teacher=dict(both=ensemble_of(WIDE, NARROW), one=NARROW), losses=dict(
        kd=dict(LOSSES['kd'], teacher='both'), more=dict(LOSSES['kd'], teacher='one')))
    alone = distiller(teacher=NARROW, losses=KD)
    ensemble = model.teachers['both']
    before = [copy.deepcopy(each.network.state_dict()) for each in ensemble.teachers]
    data = batch(rng)
    model.train()
    step(model, data)
    for each, state in zip(ensemble.teachers, before, strict=True):
        assert not any(module.training for module in each.network.modules())
        assert not any(x.requires_grad for x in each.network.parameters())
        assert all(torch.equal(value, state[key]) for key, value in each.network.state_dict().items())
    assert len(list(model.parameters())) == len(list(alone.parameters()))
    assert set(model.state_dict()) == set(alone.state_dict())
    assert copy.deepcopy(model).teachers['both'] is ensemble


def test_each_is_loaded_wholly_or_refused(tmp_path):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        state = CLASSIFIERS.build(STUDENT).state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'whole.pth')
    state.pop('head.fc.bias')
    torch.save(dict(state_dict=state), tmp_path / 'part.pth')
    whole, part = (dict(model=STUDENT, checkpoint=str(tmp_path / f'{name}.pth')) for name in ('whole', 'part'))
    ensemble = TeacherEnsemble([whole, whole])
    assert torch.equal(ensemble.teachers[1].network.head.fc.bias, ensemble.teachers[0].network.head.fc.bias)
    with pytest.raises(ValueError, match=r'head\.fc\.bias'):
        TeacherEnsemble([whole, part])
    with pytest.raises(ValueError, match='needs weights, got checkpoint=None'):
        TeacherEnsemble([whole, dict(model=STUDENT, checkpoint=None)])


def test_teachers_of_other_classes_are_mapped_each_on_its_own(rng):
    seven = dict(WIDE, model=dict(WIDE['model'], head=dict(HEAD, in_channels=128, num_classes=7)))
    images = torch.randn(2, 3, 16, 16, generator=rng)
    ensemble = built(dict(seven, classes=[6, 5, 4, 3, [0, 1]]), dict(NARROW, classes=[4, 3, 2, 1, 0]))
    one, other = (each.network(images).softmax(dim=1) for each in ensemble.teachers)
    one = torch.stack([one[:, 6], one[:, 5], one[:, 4], one[:, 3], one[:, 0] + one[:, 1]], dim=1)
    expected = 0.5 * (one / one.sum(dim=1, keepdim=True) + other[:, [4, 3, 2, 1, 0]])
    torch.testing.assert_close(ensemble(images).logits.softmax(dim=1), expected)
    with pytest.raises(ValueError, match='the same classes .* got ImageClassifier: 7 of softmax, ImageClassifier: 5 of softmax'):
        built(seven, NARROW)(images)
    holes = ensemble_of(dict(seven, classes=[6, 5, 4, 3, None]), NARROW)
    with pytest.raises(ValueError, match='losses.kd compares logits .* got none for 1 of them: 4'):
        distiller(teacher=holes, losses=KD)


def test_another_way_of_joining_is_another_teacher():
    ways = ({}, {}, dict(weights=[1, 1]), dict(weights=[1, 2]), dict(by='confidence'))
    same = [built(NARROW, WIDE, **options).fingerprint() for options in ways]
    assert same[0] == same[1] == same[2] and len(set(same)) == 3


@pytest.mark.parametrize(('cfg', 'message'), [
    (dict(teachers=[NARROW]), 'two or more single networks'),
    (dict(teachers=None), 'two or more single networks, got None'),
    (dict(), 'two or more single networks, got None'),
    (dict(teachers=dict(a=NARROW, b=NARROW)), 'two or more single networks'),
    (dict(teachers=[NARROW, ensemble_of(NARROW, NARROW)]), 'two or more single networks'),
    (dict(teachers=[NARROW, WIDE], by='vote'), "by of 'mean' or 'confidence', got 'vote'"),
    (dict(teachers=[NARROW, WIDE], weights=[1]), r'a number for each of its 2 teachers, got \[1\]'),
    (dict(teachers=[NARROW, WIDE], weights=[1, -1]), r'weights\[1\] to be a finite number >= 0, got -1'),
    (dict(teachers=[NARROW, WIDE], weights=[1, float('nan')]), r'weights\[1\] to be a finite number >= 0, got nan'),
    (dict(teachers=[NARROW, WIDE], weights=[0, 0]), r'one weight above 0 at least, got \[0, 0\]'),
    (dict(teachers=[NARROW, WIDE], weights=[1, 2], by='confidence'), "takes weights with by='mean' only"),
    (dict(teachers=[NARROW, WIDE], checkpoint='x.pth'), 'teachers, weights and by, got checkpoint too'),
])  # fmt: skip
def test_what_is_no_ensemble_is_told_in_one_sentence(cfg, message):
    with pytest.raises(ValueError, match=message):
        distiller(teacher=dict(type='mmkd_ext.TeacherEnsemble', **cfg), losses=KD)


def test_an_ensemble_trains_nowhere():
    with pytest.raises(ValueError, match='freeze_teacher=True, got it as a network'):
        read_spec(ensemble_of(NARROW, NARROW))
    assert isinstance(MODELS.build(ensemble_of(NARROW, NARROW)).teachers[0], FrozenTeacher)
