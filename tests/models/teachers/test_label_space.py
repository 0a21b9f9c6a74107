"""A teacher's classes in those of its student: by names, WordNet ids and indices, one to one and several to one."""

import math

import pytest
import torch

from mmkd_ext.losses import DKDLoss, KDLoss, NDLoss
from mmkd_ext.models import Outputs
from mmkd_ext.models.teachers.class_list import IMAGENET
from mmkd_ext.models.teachers.label_space import NEVER, LabelSpace


def said(logits, **more):
    return Outputs((), torch.zeros(len(logits), 2), logits, **more)


def mapped(logits, count=None, names=None, **options):
    space = LabelSpace('t', **options)
    if count is not None:
        space.tell(count, names)
    return space(said(logits)).logits


def naive(logits, groups):  # sums of probabilities over the classes that are kept, in plain Python
    rows = []
    for row in logits.tolist():
        shares = [sum(math.exp(row[t]) for t in group) for group in groups]
        rows.append([share / sum(shares) for share in shares])
    return torch.tensor(rows, dtype=logits.dtype)


def test_the_same_names_at_other_places_are_mapped_by_themselves(rng):
    logits = torch.randn(4, 3, generator=rng)
    assert torch.equal(mapped(logits, 3, ['c', 'a', 'b'], theirs=['a', 'b', 'c']), logits[:, [2, 0, 1]])
    assert mapped(logits, 3, ['a', 'b', 'c'], theirs=['a', 'b', 'c']) is logits
    assert mapped(logits, 3, ['Black_Cat', 'b', 'c'], theirs=['black cat', 'b', 'c']) is logits  # the same in other letters
    assert mapped(logits, 3, None, theirs=['a', 'b', 'c']) is logits and mapped(logits, 3, ['c', 'a', 'b']) is logits


def test_as_many_classes_of_which_some_are_unknown_are_left_to_the_checks_of_a_run(rng):
    logits = torch.randn(4, 3, generator=rng)
    assert mapped(logits, 3, ['c', 'a', 'x'], theirs=['a', 'b', 'c']) is logits
    assert mapped(logits, 3, ['x', 'y', 'z'], theirs=['a', 'b', 'c']) is logits
    found = mapped(logits, 3, ['c', 'a', 'x'], theirs=['a', 'b', 'c'], allow_unmapped=True)
    assert torch.equal(found, torch.stack([logits[:, 2], logits[:, 0], torch.full((4,), NEVER)], dim=1))


IDS = ['n02979186', 'n01440764', 'n03394916']  # of Imagenette: cassette player, tench, French horn


@pytest.mark.parametrize('names', [
    IDS, ['cassette player', 'tench, Tinca tinca', 'french_horn'], ['cassette player', 'tench', 'French horn']])
def test_a_student_of_some_of_imagenets_classes_gets_their_renormalised_probabilities(rng, names):
    logits = torch.randn(2, 1000, generator=rng, dtype=torch.float64)
    found = mapped(logits, 3, names, theirs=IMAGENET)
    torch.testing.assert_close(found.softmax(dim=1), naive(logits, [[482], [0], [566]]), rtol=1e-12, atol=1e-12)
    assert torch.equal(mapped(logits, classes=names, theirs=IMAGENET), found)
    assert torch.equal(mapped(logits, classes=[482, 0, 566]), found)
    assert torch.equal(mapped(logits, 3, classes={566: 2, 0: 1, 482: 0}), found)


def test_several_classes_as_one_have_the_sum_of_their_probabilities(rng):
    logits = 5 * torch.randn(6, 4, generator=rng, dtype=torch.float64)
    theirs, groups = ['beagle', 'tabby', 'tiger cat', 'car'], [[1, 2], [0]]
    found = mapped(logits, 2, ['cat', 'dog'], classes={'tabby': 'cat', 'tiger cat': 'cat', 'beagle': 'dog'}, theirs=theirs)
    torch.testing.assert_close(found.softmax(dim=1), naive(logits, groups), rtol=1e-12, atol=1e-12)
    for classes in ([['tabby', 2], 'beagle'], [[1, 2], 0], {1: 0, 2: 'cat', 'beagle': 'dog'}):
        assert torch.equal(mapped(logits, 2, ['cat', 'dog'], classes=classes, theirs=theirs), found)
    tokens = LabelSpace('t', [[1, 2], 0])(said(logits, token_logits=logits)).token_logits
    assert torch.equal(tokens, found)


def test_of_a_sigmoid_for_each_class_the_highest_counts():
    found = LabelSpace('t', [[0, 2], 1])(said(torch.tensor([[0.5, 1.0, 3.0], [0.5, 1.0, -3.0]]), scores='sigmoid')).logits
    assert found.tolist() == [[3.0, 1.0], [0.5, 1.0]]
    with pytest.raises(ValueError, match='classes to be left out, since its outputs are values of a regression'):
        LabelSpace('t', [1, 0])(said(torch.zeros(1, 2), scores='values'))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32])
def test_an_unmapped_class_has_probability_0_and_every_loss_stays_finite(rng, dtype):
    logits = torch.randn(4, 3, generator=rng)
    space = LabelSpace('t', [0, None, 2], allow_unmapped=True)
    found = space(said(logits.to(dtype)))
    assert space.unmapped == ['1'] and (found.logits.float().div(4).softmax(dim=1)[:, 1] == 0).all()
    student = torch.randn(4, 3, generator=rng, requires_grad=True)
    loss = KDLoss(tau=4.0)(said(student), found, torch.zeros(4, dtype=torch.long))
    loss.backward()
    assert loss.isfinite() and student.grad.isfinite().all()


def test_losses_that_read_logits_refuse_unmapped_classes_and_others_are_warned_of_once(capsys):
    space = LabelSpace('t', [0, None])
    space.tell(2, ['cat', 'dog'])
    space(said(torch.zeros(1, 3)))
    with pytest.raises(ValueError, match=r"losses\.kd compares logits and needs a class of the teacher t .*got none for 1 of them: 'dog'\. "
                       '.*allow_unmapped=True'):
        space.check_loss('kd', KDLoss())
    space.check_loss('nd', NDLoss())
    space.check_loss('nd', NDLoss())
    assert capsys.readouterr().out.count("got none for 1 of them: 'dog'") == 1
    allowed = LabelSpace('t', [0, None], allow_unmapped=True)
    allowed(said(torch.zeros(1, 3)))
    allowed.check_loss('kd', KDLoss())
    for loss in (KDLoss(standardise=True), DKDLoss(standardise=True)):  # whose z-scores would say nothing but which class is unknown
        with pytest.raises(ValueError, match=r"losses\.kd compares z-scores.*got none for 1 of them: 1\. .* leave out standardise"):
            allowed.check_loss('kd', loss)


@pytest.mark.parametrize(('classes', 'message'), [
    ('names.txt', "needs classes to be a dict .* or a list .* got 'names.txt'"),
    ({}, 'needs classes to be a dict .*got {}'),
    (5, 'needs classes to be a dict .*got 5'),
    (['tench', 'goldfisch'], "class of the teacher t needs to be one of tench, goldfish, car, got 'goldfisch'. Did you mean goldfish"),
    ({'tench': 'hrose'}, "class of the student needs to be one of horse, dog, got 'hrose'. Did you mean horse"),
    ([0, 3], r'class of the teacher t needs to lie in 0\.\.2, got 3'),
    ([0, -1], r'class of the teacher t needs to lie in 0\.\.2, got -1'),
    ({0: 2}, r'class of the student needs to lie in 0\.\.1, got 2'),
    ([0, 1.5], 'needs to be a name, a WordNet id or an index, got 1.5'),
    ([0, True], 'needs to be a name, a WordNet id or an index, got True'),
    ([0], "one entry for each of the student's 2 classes, got 1"),
    ([0, 0], "each of its classes for one of the student at most, got 'tench' for two"),
    ([[0, 0], 1], "each of its classes for one of the student at most, got 'tench' for class 0 twice"),
    ([None, None], r'map one of its classes at least, got \[None, None\]'),
])  # fmt: skip
def test_what_is_no_mapping_is_told_in_one_sentence(classes, message):
    with pytest.raises(ValueError, match=message):
        mapped(torch.zeros(1, 3), 2, ['horse', 'dog'], classes=classes, theirs=['tench', 'goldfish', 'car'])


def test_names_where_nobody_knows_them_and_ambiguous_ones_are_told():
    with pytest.raises(ValueError, match="class of the teacher t needs to be an index, got 'cat'. Its checkpoint names none"):
        mapped(torch.zeros(1, 3), 1, classes=['cat'])
    with pytest.raises(ValueError, match="class of the student needs to be an index, got 'cat'. The data name none"):
        mapped(torch.zeros(1, 3), 1, classes={0: 'cat'})
    with pytest.raises(ValueError, match=r"got 'crane', which stands for several \(134, 517\): give the index"):
        mapped(torch.zeros(1, 1000), 1, classes=['crane'], theirs=IMAGENET)
    with pytest.raises(ValueError, match="allow_unmapped to be True or False, got 'yes'"):
        LabelSpace('t', [0], 'yes')
