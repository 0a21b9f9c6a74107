"""TESKD's losses: against plain Python, the golden numbers, limiting cases and the laws of every loss."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models import LinearClsHead
from mmpretrain.structures import DataSample
from support import golden
from torch import Tensor, nn
from witnesses.naive_teskd import naive_teskd_loss
from witnesses.naive_teskd_terms import plain_ce, plain_feature, plain_kl

from mmkd_ext.losses import teskd_feature_loss, teskd_kl
from mmkd_ext.models.heads import TESKDHead

TERMS = ('loss_ce', 'loss_kl', 'loss_feature')


class Fixed(nn.Module):
    """A classifier whose logits the test chooses."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, feature: Tensor) -> Tensor:
        return self.logits


def samples(target: Tensor) -> list[DataSample]:
    return [DataSample().set_gt_label(t) if t.ndim == 0 else DataSample().set_gt_score(t) for t in target]


def head_with(student_logits: list[Tensor], teacher_logits: Tensor, width: int) -> TESKDHead:
    head = TESKDHead(teacher_logits.shape[1], width, num_students=len(student_logits))
    head.fc, head.students = Fixed(teacher_logits), nn.ModuleList(Fixed(z) for z in student_logits)
    return head


def ready_head(rng: torch.Generator, **options: Any) -> TESKDHead:
    """Float64, 7 classes, 5 features, every Linear another one."""
    head = TESKDHead(7, 5, **options).double()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
    return head


def batch(rng: torch.Generator, count: int = 4, size: int = 6) -> tuple[tuple[Tensor, ...], Tensor]:
    """Features of `count - 1` students and the teacher, pooled after a ReLU; labels."""
    feats = torch.randn(count, size, 5, generator=rng, dtype=torch.float64).abs()
    return tuple(feats.unbind()), torch.randint(7, (size,), generator=rng)


@pytest.mark.parametrize('case', golden.load('teskd')['loss'], ids=['10 classes', '100 classes'])
@pytest.mark.parametrize('which', ['head', 'functions', 'naive witness'])
def test_golden_losses(case, which):
    size, classes, width, salt = (case[k] for k in ('B', 'C', 'W', 'salt'))
    logits = [(golden.uniform((size, classes), salt + i) * case['scale']).requires_grad_() for i in range(4)]
    feats = [golden.uniform((size, width), salt + 10 + i).abs().requires_grad_() for i in range(4)]
    target = torch.arange(size) % classes
    if which == 'head':
        losses = head_with(logits[1:], logits[0], width).loss((*feats[1:], feats[0]), samples(target))
        ce, kl, feature = (losses[k] / w for k, w in zip(TERMS, (0.2, 0.8, 1e-7), strict=True))
        total = sum(losses[k] for k in TERMS)
    elif which == 'functions':
        ce = sum(F.cross_entropy(z, target) for z in logits)
        kl = sum(teskd_kl(z, logits[0], 4.0) for z in logits[1:])
        feature = sum(teskd_feature_loss(f, feats[0]) for f in feats[1:])
        total = 0.2 * ce + 0.8 * kl + 1e-7 * feature
    else:
        sums = naive_teskd_loss(logits[1:], feats[1:], logits[0], feats[0], target)
        ce, kl, feature, total = (sums[k] for k in ('ce', 'kl', 'feature', 'total'))
    total.backward()
    actual = [ce, kl, feature, total, *(x.grad.norm() for x in (*logits, *feats[1:]))]
    expected = [case[k] for k in ('ce_sum', 'kl_sum', 'feature_sum', 'total', 'grad_teacher_logits_norm')]
    expected += case['grad_student_logits_norms'] + case['grad_student_feature_norms']
    assert torch.stack(actual).tolist() == pytest.approx(expected, rel=1e-6, abs=1e-14)
    assert case['grad_teacher_feature_is_none'] and feats[0].grad is None


@pytest.mark.parametrize('tau', [1.0, 4.0])
@pytest.mark.parametrize('soft', [False, True], ids=['labels', 'mixup scores'])
def test_head_matches_plain_python(rng, tau, soft):
    feats, target = batch(rng)
    head = ready_head(rng, tau=tau, ce_weight=0.3, kl_weight=0.7, feature_weight=1e-3)
    one_hot = F.one_hot(target, 7).double()
    scores = 0.7 * one_hot + 0.3 * one_hot.roll(1, 0) if soft else one_hot
    losses = head.loss(feats, samples(scores if soft else target))
    *students, teacher = [fc(f) for fc, f in zip([*head.students, head.fc], feats, strict=True)]
    expected = {
        'loss_ce': 0.3 * sum(plain_ce(z, scores) for z in (*students, teacher)),
        'loss_kl': 0.7 * sum(plain_kl(z, teacher, tau) for z in students),
        'loss_feature': 1e-3 * sum(plain_feature(f, feats[-1]) for f in feats[:-1]),
    }
    assert {k: v.item() for k, v in losses.items()} == pytest.approx(expected, rel=1e-9)


def test_students_are_as_many_as_asked_and_read_their_own_feature(rng):
    feats, target = batch(rng, count=3)
    head = ready_head(rng, num_students=2)
    grads = torch.autograd.grad(head.loss(feats, samples(target))['loss_ce'], [*head.students.parameters()])
    assert len(head.students) == 2 and isinstance(head, LinearClsHead)
    for i, fc in enumerate(head.students):
        expected = torch.autograd.grad(0.2 * F.cross_entropy(fc(feats[i]), target), [*fc.parameters()])
        torch.testing.assert_close(grads[2 * i : 2 * i + 2], expected)


@pytest.mark.parametrize('detach', [False, True])
def test_kl_teaches_the_teacher_unless_detached_and_features_never_do(rng, detach):
    feats, target = batch(rng)
    feats = tuple(f.requires_grad_() for f in feats)
    head = ready_head(rng, detach_teacher=detach)
    losses = head.loss(feats, samples(target))
    inputs = [head.fc.weight, feats[-1], *head.students.parameters()]
    grads = torch.autograd.grad(losses['loss_kl'], inputs, retain_graph=True, allow_unused=True)
    assert [g is None or not g.any() for g in grads] == [detach, detach] + [False] * 6
    *to_students, to_teacher = torch.autograd.grad(losses['loss_feature'], feats, allow_unused=True)
    assert to_teacher is None or not to_teacher.any()
    torch.testing.assert_close(to_students, [2e-7 * (f - feats[-1]).detach() for f in feats[:-1]])


def test_losses_are_float32_under_autocast(rng):
    feats, target = batch(rng)
    head = ready_head(rng).float()
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss(tuple(f.bfloat16() for f in feats), samples(target))
    assert {k: v.dtype for k, v in losses.items()} == dict.fromkeys(TERMS, torch.float32)
    for term, expected in head.loss(tuple(f.float() for f in feats), samples(target)).items():
        torch.testing.assert_close(losses[term], expected, rtol=0.05, atol=0)


def test_repeated_batch_keeps_ce_and_kl_and_doubles_the_feature_sum(rng):
    feats, target = batch(rng)
    head = ready_head(rng)
    once = head.loss(feats, samples(target))
    twice = head.loss(tuple(torch.cat([f, f]) for f in feats), samples(torch.cat([target, target])))
    for term, factor in zip(TERMS, (1, 1, 2), strict=True):
        torch.testing.assert_close(twice[term], factor * once[term])


@pytest.mark.parametrize('name', ['ce_weight', 'kl_weight', 'feature_weight'])
def test_each_term_is_linear_in_its_own_weight_only(rng, name):
    feats, target = batch(rng)
    weights, default = {'ce_weight': 0.2, 'kl_weight': 0.8, 'feature_weight': 1e-7}, ready_head(rng)
    other = TESKDHead(7, 5, **{name: 3 * weights[name]}).double()
    other.load_state_dict(default.state_dict())
    before, after = (head.loss(feats, samples(target)) for head in (default, other))
    for term, weight in zip(TERMS, weights, strict=True):
        torch.testing.assert_close(after[term], before[term] * (3 if weight == name else 1))


def test_accuracies_are_the_share_of_right_answers(rng):
    feats, target = batch(rng, size=20)
    head = ready_head(rng, cal_acc=True, topk=(1, 3))
    with torch.no_grad():
        for fc in (head.fc, *head.students):
            fc.bias -= 3  # some samples have no positive logit, and are right all the same
    losses = head.loss(feats, samples(target))
    names = ('accuracy_student1', 'accuracy_student2', 'accuracy_student3', 'accuracy')
    for name, fc, feature in zip(names, (*head.students, head.fc), feats, strict=True):
        ranks = fc(feature).argsort(dim=1, descending=True) == target[:, None]
        for k in (1, 3):
            value = torch.as_tensor(losses.pop(f'{name}_top-{k}'))  # mmpretrain wraps it in a list
            assert value.item() == pytest.approx(5 * ranks[:, :k].sum().item())
    assert set(losses) == set(TERMS)


def test_inference_reads_the_teacher_only(rng):
    feats, _ = batch(rng)
    head = ready_head(rng)
    expected = F.linear(feats[-1], head.fc.weight, head.fc.bias)
    torch.testing.assert_close(head(feats), expected)
    torch.testing.assert_close(head(feats[-1:]), expected)
    assert [s.pred_label.item() for s in head.predict(feats[-1:])] == expected.argmax(dim=1).tolist()


def test_features_of_a_neck_left_in_eval_mode_are_refused_in_words(rng):
    feats, target = batch(rng)
    with pytest.raises(ValueError, match='num_students'):
        ready_head(rng).loss(feats[-1:], samples(target))
