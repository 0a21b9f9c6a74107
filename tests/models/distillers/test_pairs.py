"""Who follows whom: the modules of an entry of `losses`, their names, and what cannot be paired."""

import pytest

from mmkd_ext.losses import KDLoss, MutualLearningLoss, NDLoss
from mmkd_ext.models.distillers.pairs import Pair, check_members, paired_losses
from mmkd_ext.models.outputs.kinds.classifier import Classifier
from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage

KD, ML, ND = dict(type='mmkd_ext.KDLoss'), dict(type='mmkd_ext.MutualLearningLoss'), dict(type='mmkd_ext.NDLoss')
ALONG = dict(a=False, b=False, c=False, teacher=False)


def paired(cfg, followed=ALONG, kind=Classifier):
    return paired_losses('kd', cfg, ('a', 'b', 'c'), followed, kind)


def test_every_student_follows_the_teacher_with_adapters_of_its_own():
    cfg = dict(KD, tau=3.0)
    found = paired(cfg)
    assert [(name, pair) for name, pair, _ in found] == [(f'kd_{x}', Pair('kd', (x,), 'teacher')) for x in 'abc']
    assert len({id(loss) for _, _, loss in found}) == 3 and all(isinstance(loss, KDLoss) and loss.tau == 3.0 for _, _, loss in found)
    assert cfg == dict(KD, tau=3.0)


@pytest.mark.parametrize(('more', 'pairs'), [
    (dict(students='b'), [('kd_b', ('b',), 'teacher')]),
    (dict(students=['c', 'a']), [('kd_c', ('c',), 'teacher'), ('kd_a', ('a',), 'teacher')]),
    (dict(teacher='a'), [('kd_b', ('b',), 'a'), ('kd_c', ('c',), 'a')]),
    (dict(teacher='a', students=['a', 'b']), [('kd_b', ('b',), 'a')])], ids=str)
def test_students_and_the_one_that_they_follow_can_be_named(more, pairs):
    assert [(name, *pair[1:]) for name, pair, _ in paired(dict(KD, **more))] == pairs


def test_a_loss_among_peers_is_one_module_for_all_of_them():
    ((name, pair, loss),) = paired(dict(ML, students=['a', 'c']), dict(a=False, b=False, c=False))
    assert (name, pair) == ('kd', Pair('kd', ('a', 'c'), None)) and isinstance(loss, MutualLearningLoss)


def test_class_means_are_those_of_a_frozen_teacher():
    found = paired(ND, dict(ALONG, teacher=True))
    assert all(isinstance(loss, NDLoss) for _, _, loss in found) and len(found) == 3


@pytest.mark.parametrize(('cfg', 'followed', 'kind', 'words'), [
    (dict(KD, students='z'), ALONG, Classifier, r"students of a, b, c, each once.* got students='z' and teacher='teacher'"),
    (dict(KD, students=[]), ALONG, Classifier, r'got students=\[\]'),
    (dict(KD, students=3), ALONG, Classifier, 'got students=3'),
    (dict(KD, students=[['a']], teacher=['b']), ALONG, Classifier, r"got students=\[\['a'\]\] and teacher=\['b'\]"),
    (dict(KD, students=['a', 'a']), ALONG, Classifier, 'each once'),
    (dict(KD, students='teacher'), ALONG, Classifier, "got students='teacher'"),
    (dict(KD, teacher='z'), ALONG, Classifier, "got students=None and teacher='z'"),
    (dict(KD, students='a', teacher='a'), ALONG, Classifier, "needs students other than 'a', whom they follow"),
    (dict(ML, students='a'), ALONG, Classifier, 'compares two or more students, got a'),
    (KD, dict(a=False, b=False, c=False), Classifier, "follows the teacher, and there is none. Give one, or name a student"),
    (ND, ALONG, Classifier, "only a teacher that stays as it is has; got 'teacher', which trains"),
    (dict(ND, teacher='a'), dict(ALONG, teacher=True), Classifier, "got 'a', which trains"),
    (ND, dict(ALONG, teacher=True), TwoStage, 'compares class means, which detectors that train together do not'),
])  # fmt: skip
def test_names_that_cannot_be_paired_are_refused_with_the_entry(cfg, followed, kind, words):
    with pytest.raises(ValueError, match=f'losses.kd .*{words}'):
        paired(cfg, followed, kind)


def test_an_entry_is_a_python_identifier():
    with pytest.raises(ValueError, match='losses.k d needs a name that is a Python identifier'):
        paired_losses('k d', KD, ('a', 'b'), ALONG, Classifier)


TWO = dict(a='timm/x', b=dict(type='ImageClassifier'))


@pytest.mark.parametrize(('change', 'words'), [
    (dict(students=['a', 'b']), r"MutualX needs students=dict\(name=config, ...\), got \['a', 'b'\]"),
    (dict(students=dict(a='timm/x', b=3)), 'MutualX needs students=dict'),
    (dict(students={'a': 'timm/x', 3: 'timm/x'}), 'MutualX needs students=dict'),
    (dict(losses={3: KD}), 'MutualX needs losses=dict'),
    (dict(losses=[KD]), 'MutualX needs losses=dict'),
    (dict(losses=None), 'MutualX needs losses=dict'),
    (dict(losses=dict(kd='mmkd_ext.KDLoss')), 'MutualX needs losses=dict'),
    (dict(students={}), 'two or more students, .* got none'),
    (dict(students=dict(a='timm/x')), 'got a. For one student and a frozen teacher there is OfflineDistiller'),
    (dict(students=dict(TWO, teacher='timm/x')), "none called 'teacher', got a, b, teacher"),
    (dict(freeze_teacher=True, teacher=None), 'freeze_teacher=True needs a teacher and .* got teacher=None'),
    (dict(freeze_teacher=True, predict_by='teacher'), "predict_by='teacher'. A frozen teacher is no part"),
])  # fmt: skip
def test_members_that_cannot_learn_from_one_another_are_refused(change, words):
    given = dict(students=TWO, teacher='timm/x', losses=dict(kd=KD, ml=None), freeze_teacher=False, predict_by='ensemble')
    check_members('MutualX', **given)
    with pytest.raises(ValueError, match=words):
        check_members('MutualX', **{**given, **change})
