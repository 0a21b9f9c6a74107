"""Positions at which a teacher is surest of a class: chosen as in plain Python, and compared beside the student's positives."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from support.dense import BOXES, LOSSES, batch, distiller, pair, tiny, with_means
from support.detection import CLASSES, read, teacher_of
from witnesses.naive_kd import naive_binary_kd

from mmkd_ext.models.outputs.kinds.dense.guesses import Guesses, beside, surest
from mmkd_ext.registry import MODELS

pytestmark = [  # of mmdet
    pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`'), pytest.mark.filterwarnings('ignore:torch.meshgrid')]
KD = dict(kd=LOSSES['kd'])


def naive_surest(scores, strides, priors, count):
    """(image, stride, row, column, prior, class) of the highest in each image, by loops."""
    chosen = []
    for n in range(len(scores[0])):
        told = []
        for stride, x in zip(strides, scores, strict=True):
            classes = x.shape[1] // priors
            for row in range(x.shape[2]):
                for column in range(x.shape[3]):
                    for a in range(priors):
                        values = [float(x[n, a * classes + k, row, column]) for k in range(classes)]
                        told.append((max(values), n, stride, row, column, a, values.index(max(values))))
        chosen += [each[1:] for each in sorted(told, reverse=True)[:count]]
    return sorted(chosen)


def rows(guesses):
    return sorted(
        (n, stride, row, column, prior, label) for stride, (cells, labels) in guesses.by_stride.items()
        for n, row, column, prior, label in zip(*(x.tolist() for x in (*cells, labels)), strict=True))


@pytest.mark.parametrize('priors', [1, 3])
@pytest.mark.parametrize('count', [1, 7, 10_000])
def test_the_surest_of_each_image_are_those_of_plain_python(priors, count, rng):
    scores = [torch.randn(2, priors * 4, *size, generator=rng) for size in ((5, 6), (3, 3), (1, 2))]
    assert rows(surest(scores, [8, 16, 32], priors, count)) == naive_surest(scores, [8, 16, 32], priors, count)


def cells(*each):
    return tuple(torch.tensor(x, dtype=torch.long) for x in zip(*each, strict=True)) if each else (torch.zeros(0, dtype=torch.long),) * 4


def told(joined, labels, true):
    places = [row for each in joined for row in zip(*(x.tolist() for x in each), strict=True)]
    return [(*row, label, known) for row, label, known in zip(places, labels.tolist(), true.tolist(), strict=True)]


def test_a_guess_that_is_a_positive_is_left_out_and_of_two_the_first_counts():
    mine = [cells((0, 1, 1, 2), (1, 0, 0, 0)), cells()]
    first = Guesses(3, {8: (cells((0, 1, 1, 2), (0, 1, 1, 1)), torch.tensor([2, 1])), 64: (cells((0, 0, 0, 0)), torch.tensor([0]))})
    second = Guesses(3, {8: (cells((0, 1, 1, 1)), torch.tensor([0])), 16: (cells((1, 3, 3, 0)), torch.tensor([2]))})
    assert told(*beside(mine, torch.tensor([0, 1]), [8, 16], [first, second], 3)) == [
        (0, 1, 1, 2, 0, True), (1, 0, 0, 0, 1, True), (0, 1, 1, 1, 1, False), (1, 3, 3, 0, 2, False)]


def test_where_one_head_has_one_prior_a_guess_is_for_the_cell_or_for_all_priors_there():
    guess = Guesses(3, {8: (cells((0, 1, 1, 2), (0, 1, 1, 0), (0, 2, 2, 1)), torch.tensor([1, 2, 0]))})
    assert told(*beside([cells((0, 2, 2, 0))], torch.tensor([1]), [8], [guess], 1)) == [(0, 2, 2, 0, 1, True), (0, 1, 1, 0, 1, False)]
    guess = Guesses(1, {8: (cells((0, 1, 1, 0)), torch.tensor([1]))})
    assert told(*beside([cells((0, 1, 1, 1))], torch.tensor([0]), [8], [guess], 3)) == [
        (0, 1, 1, 1, 0, True), (0, 1, 1, 0, 1, False), (0, 1, 1, 2, 1, False)]


@pytest.mark.parametrize(('student', 'teacher'), [('gfl', 'gfl'), ('retinanet', 'retinanet'), ('fcos', 'retinanet'), ('retinanet', 'fcos')])
def test_networks_are_compared_there_too_and_the_teacher_s_head_runs_once(student, teacher, rng):
    model = pair(student, KD, teacher, most_confident=5).train()
    plain = pair(student, KD, teacher).train()
    inputs, samples = read(model, batch(rng, BOXES))
    network, ran = model.teachers['teacher'].network, []
    network.bbox_head.register_forward_hook(lambda _, __, out: ran.append(out[0]))
    terms = model(inputs, copy.deepcopy(samples), mode='loss')
    (scores,) = ran
    seen = plain.reader.train(inputs, copy.deepcopy(samples), None)
    strides, priors = plain.reader.strides, plain.reader.priors
    theirs = plain.teachers['teacher'].reader.priors
    mine = {
        (n, stride, *place) for stride, each in seen.places.cells.items()
        for n, *place in zip(*(x.tolist() for x in each), strict=True)}
    guessed = naive_surest(scores, strides, theirs, 5)
    more = {(*each[:4], a) for each in guessed for a in ([each[4]] if theirs == priors else range(priors))} - mine
    assert 0 < len(more) <= 10 * (priors if theirs == 1 else 1)
    said = plain.student.bbox_head(plain.student.extract_feat(inputs))[0]

    def at(maps, own, places):
        grids = dict(zip(strides, (x.unflatten(1, (own, -1)) for x in maps), strict=True))
        return torch.stack([
            grids[stride][n, a if own == priors else 0, :, y, x] if own in (1, priors) else grids[stride][n, :, :, y, x].amax(0)
            for n, stride, y, x, a in places])

    places = sorted(mine | more)
    expected = 1.5 * naive_binary_kd(at(said, priors, places).double(), at(scores, theirs, places).double(), 2.0).item()
    assert float(terms['loss_kd'].detach()) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    before = plain(inputs, samples, mode='loss')
    assert float(before['loss_kd'].detach()) != pytest.approx(expected, rel=1e-3)
    for name in ('student_top1', 'teacher_top1', 'student_norm'):  # of true labels alone
        assert float(terms[name]) == pytest.approx(float(before[name]), abs=1e-4)


def test_a_batch_without_a_box_has_the_teacher_s_guesses_and_nd_takes_their_classes(rng):
    model = pair('gfl', LOSSES, most_confident=4).train()
    terms = model(*read(model, batch(rng, [[], []])), mode='loss')
    assert float(terms['loss_kd'].detach()) > 0 and 0 < float(terms['loss_nd'].detach()) < float('inf')
    total, _ = model.parse_losses(terms)
    total.backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


def test_without_the_option_nothing_is_guessed_and_none_stays_for_the_next_step(rng):
    model = pair('gfl', KD, most_confident=3).train()
    inputs, samples = read(model, batch(rng))
    model(inputs, copy.deepcopy(samples), mode='loss')
    assert model.teachers['teacher'].reader._last is None  # the memory of a step is free after it
    plain = pair('gfl', KD).train()
    plain(inputs, samples, mode='loss')
    assert plain.reader.guesses == ()


def test_who_cannot_have_it_is_told_in_one_sentence():
    classifier = dict(
        type='mmpretrain.ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8),
        neck=dict(type='mmpretrain.GlobalAveragePooling'), head=dict(type='mmpretrain.LinearClsHead', num_classes=CLASSES, in_channels=64))
    with DefaultScope.overwrite_default_scope('mmpretrain'), pytest.raises(ValueError, match='for dense detectors, got Im'):
        MODELS.build(dict(
            type='mmkd_ext.OfflineDistiller', student=classifier, teacher=teacher_of(classifier), losses=KD, most_confident=2))
    for value in (-1, 2.0, True, 'all'):
        with pytest.raises(ValueError, match='OfflineDistiller needs most_confident to be a whole number >= 0, got'):
            with_means(distiller(tiny(), teacher_of(tiny()), KD, most_confident=value))
