"""Norms and accuracies of the log: by hand, without the letters `loss`, and only where a sample has one label."""

import pytest
import torch

from mmkd_ext.models.distillers.chance_warning import ChanceWatch
from mmkd_ext.models.distillers.diagnostics import norms_and_accuracies
from mmkd_ext.models.outputs.kinds.classifier import Classifier
from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID, VALUES

STUDENT = Outputs((), torch.tensor([[3.0, 4.0], [0.0, 1.0]], requires_grad=True), torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 5.0]]))
TEACHER = Outputs((), torch.tensor([[6.0], [8.0]]), torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 5.0]]))
LABELS = torch.tensor([0, 2])


def found(said, target=LABELS, kind=Classifier, watches=None):
    return {k: v.item() for k, v in norms_and_accuracies(said, target, kind, 3, watches or {}).items()}


def test_norms_are_means_of_lengths_and_accuracies_shares_of_right_labels_in_percent():
    assert found(dict(student=STUDENT, lossless=TEACHER)) == {
        'student_norm': 3.0, 'student_top1': 100.0, 'termless_norm': 7.0, 'termless_top1': 50.0}


@pytest.mark.parametrize(('student', 'target'), [
    (STUDENT, torch.eye(3)[LABELS]), (STUDENT._replace(scores=VALUES), LABELS)], ids=['shares', 'values'])
def test_labels_or_scores_of_another_kind_have_no_accuracy(student, target):
    assert found(dict(student=student), target) == {'student_norm': 3.0}


def test_sigmoids_at_one_label_have_one():
    assert found(dict(student=STUDENT._replace(scores=SIGMOID)))['student_top1'] == 100.0


def test_a_network_of_other_classes_has_a_norm_only():
    other = TEACHER._replace(logits=torch.zeros(2, 4))
    assert set(found(dict(student=STUDENT, teacher=other))) == {'student_norm', 'student_top1', 'teacher_norm'}


def test_a_batch_without_samples_is_0_and_no_nan():
    empty = Outputs((), torch.zeros(0, 2), torch.zeros(0, 3))
    assert found(dict(student=empty), torch.zeros(0, dtype=torch.long)) == {'student_norm': 0.0, 'student_top1': 0.0}


def test_nothing_keeps_a_graph():
    assert not any(x.requires_grad for x in norms_and_accuracies(dict(student=STUDENT), LABELS, Classifier, 3, {}).values())


@pytest.mark.parametrize(('kind', 'seen'), [(Classifier, [0.0, 1.0]), (TwoStage, [0.0])], ids=['images', 'regions'])
def test_a_watch_sees_the_hits_of_what_is_counted_until_it_is_content(monkeypatch, kind, seen):
    watch, given = ChanceWatch('teacher', samples=2), []
    monkeypatch.setattr(watch, 'see', lambda hits, classes: given.append((hits.tolist(), classes)))
    target = torch.tensor([0, 2] if kind is Classifier else [0, 3])  # 3 is the background of regions
    found(dict(student=STUDENT, teacher=TEACHER), target, kind, dict(teacher=watch))
    assert given == [(seen, 3)]
    watch._seen = 2
    found(dict(student=STUDENT, teacher=TEACHER), target, kind, dict(teacher=watch))
    assert len(given) == 1
