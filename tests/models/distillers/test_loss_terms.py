"""What a distiller does around its losses: sizes of adapters, names of terms, samples that are not there."""

import pytest
import torch
from torch import nn

from mmkd_ext.losses import KDLoss, MutualLearningLoss, NDLoss, PKDLoss
from mmkd_ext.models.distillers.loss_terms import (
    adapter_table,
    adapters_for,
    add_terms,
    among_peers,
    at_levels,
    compared,
    diagnostic,
    nothing,
    own_term,
)
from mmkd_ext.models.outputs.kinds.base import Pass
from mmkd_ext.models.outputs.kinds.classifier import Classifier
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID


def said(n=4, width=3, classes=5, stages=(), seed=0):
    rng = torch.Generator().manual_seed(seed)
    maps = tuple(torch.randn(n, *shape, generator=rng) for shape in stages)
    return Outputs(maps, *(torch.randn(n, wide, generator=rng, requires_grad=True) for wide in (width, classes)))


def passed(outputs, target=None):
    target = torch.arange(len(outputs.logits)) % 5 if target is None else target
    return Pass({}, outputs, target, target, None, None)


def sized(name, loss, student, teacher):
    return adapters_for(name, loss, Classifier, (32, 48), student, teacher)


def test_a_loss_builds_its_adapters_and_each_row_has_its_name():
    loss = NDLoss()
    rows = sized('nd', loss, said(width=3), said(width=8))
    assert [row[:4] for row in rows] == [('nd', 'embedding', '3', '8')] and loss.means_width == 8
    assert sized('kd', KDLoss(), said(), said()) == []


def test_a_loss_among_peers_is_sent_to_the_distiller_that_has_some():
    with pytest.raises(ValueError, match=r'losses.ml \(MutualLearningLoss\) compares students among themselves and no teacher'):
        sized('ml', MutualLearningLoss(), said(), said())


def test_other_classes_are_an_error_for_logits_and_a_warning_for_features(monkeypatch):
    texts = []
    monkeypatch.setattr('mmkd_ext.models.distillers.loss_terms.print_log', lambda text, *_: texts.append(text))
    with pytest.raises(ValueError, match='The student has 5 classes and the teacher has 7, but losses.kd compares their logits'):
        sized('kd', KDLoss(), said(), said(classes=7))
    sized('nd', NDLoss(), said(), said(classes=7))
    assert texts == ['The student has 5 classes and the teacher has 7: only its features can be followed.']


def test_scores_of_two_kinds_are_refused_before_the_first_step():
    with pytest.raises(ValueError, match='losses.kd .* of the student and one softmax over the classes of the teacher'):
        sized('kd', KDLoss(), said()._replace(scores=SIGMOID), said())


def test_levels_choose_the_stages_that_both_have():
    student, teacher = said(stages=((1, 8, 8), (2, 4, 4))), said(stages=((3, 4, 4), (4, 2, 2)))
    mine, theirs = at_levels(student, teacher, ([1], [0]))
    assert [x.shape[1] for x in (*mine.stages, *theirs.stages)] == [2, 3] and mine.logits is student.logits
    assert at_levels(student, teacher, None) == (student, teacher)
    assert [len(x.stages) for x in at_levels(student, teacher, ([], []))] == [0, 0]


def test_a_loss_compares_the_outputs_and_one_of_class_means_the_rows():
    student, teacher, reader = said(width=8), said(width=8, seed=1), Classifier(nn.Identity())
    kd = KDLoss(tau=2.0)
    torch.testing.assert_close(compared('kd', kd, reader, passed(student), teacher, None, 5), kd(student, teacher))
    nd = NDLoss(dropout=0.0)
    sized('nd', nd, student, teacher)
    nd.set_class_means(torch.rand(5, 8) + 0.1)
    seen = passed(student)._replace(rows=torch.tensor([4, 4, 0, 1]))
    torch.testing.assert_close(compared('nd', nd, reader, seen, teacher, None, 5), nd(student, teacher, seen.rows))
    with pytest.raises(ValueError, match='losses.nd needs class means of 6 rows, one for each class of the student, got 5. .* other data'):
        compared('nd', nd, reader, seen, teacher, None, 6)


@pytest.mark.parametrize('loss', [KDLoss(), NDLoss()], ids=['kd', 'nd'])
def test_without_samples_a_term_is_0_and_has_a_gradient_for_every_parameter(loss):
    student, teacher = said(0, width=8), said(0, width=6)
    loss.build_for(said(width=8), said(width=6))
    value = compared('x', loss, Classifier(nn.Identity()), passed(student), teacher, None, 5)
    value.backward()
    assert value.item() == 0 and student.logits.grad is not None
    assert all(p.grad is not None and not p.grad.any() for p in loss.parameters())


def test_maps_are_compared_without_samples_too():
    student, teacher = said(2, stages=((3, 4, 4),)), said(2, stages=((3, 4, 4),), seed=1)
    loss = PKDLoss()
    loss.build_for(student, teacher)
    seen = passed(student, torch.zeros(0, dtype=torch.long))
    assert compared('pkd', loss, Classifier(nn.Identity()), seen, teacher, None, 5) > 0


def test_a_student_among_peers_has_its_own_term():
    loss, one, two = MutualLearningLoss(tau=2.0), said(), said(seed=1)
    torch.testing.assert_close(among_peers(loss, passed(one), [two]), loss([one, two])[0])
    assert among_peers(loss, passed(said(0)), [said(0)]).item() == 0
    assert nothing(loss, passed(one)).item() == 0


def test_the_table_of_adapters_is_aligned_and_absent_without_rows():
    assert adapter_table([], (32, 32)) == ''
    lines = adapter_table([('nd', 'embedding', '3', '8', 'Linear'), ('review', 'stage 0', '16x8x8', '32x8x8', '-')], (32, 48)).splitlines()
    assert lines[0] == 'Adapters at 32 x 48 pixels:'
    assert [line.split() for line in lines[1:]] == [
        ['loss', 'where', 'student', 'teacher', 'adapter'], ['nd', 'embedding', '3', '8', 'Linear'],
        ['review', 'stage', '0', '16x8x8', '32x8x8', '-']]
    assert len({line.index(word) for line, word in zip(lines[1:], ('teacher', '8 ', '32x8x8'), strict=True)}) == 1


class Loss:
    auto_weight = None

    def __init__(self, weight, **diagnostics):
        self.loss_weight, self.diagnostics = weight, diagnostics


def test_terms_are_logged_with_their_factors_and_without():
    terms = {}
    add_terms(terms, 'kd', torch.tensor(3.0, requires_grad=True), Loss(1.5, lossless=torch.tensor(7.0)), 0.5)
    assert {k: v.item() for k, v in terms.items()} == {'loss_kd': 1.5, 'kd_unweighted': 2.0, 'kd_termless': 7.0}
    assert terms['loss_kd'].requires_grad and not terms['kd_unweighted'].requires_grad


def test_several_terms_of_a_loss_have_its_name_in_front_and_a_weight_of_0_no_division():
    terms = {}
    add_terms(terms, 'dskd', dict(cls=torch.tensor(2.0), feat=torch.tensor(4.0)), Loss(2.0), 1.0)
    add_terms(terms, 'off', torch.tensor(0.0), Loss(0.0), 1.0)
    assert {k: v.item() for k, v in terms.items()} == {
        'loss_dskd_cls': 2.0, 'dskd_cls_unweighted': 1.0, 'loss_dskd_feat': 4.0, 'dskd_feat_unweighted': 2.0, 'loss_off': 0.0}


@pytest.mark.parametrize(('network', 'key', 'name'), [
    ('a', 'loss', 'loss_a'), ('lossy', 'loss', 'loss_lossy'), ('a', 'loss_cls', 'a_loss_cls'), ('a', 'accuracy', 'a_accuracy'),
    ('lossy', 'accuracy', 'termy_accuracy')])
def test_a_network_s_own_terms_are_minimised_whatever_it_is_called(network, key, name):
    assert own_term(network, key) == name and ('loss' in name) == ('loss' in key)
    assert diagnostic('loss_of_loss') == 'term_of_term'
