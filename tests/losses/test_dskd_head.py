"""DSKD's head: its branches layer by layer, its terms against plain Python, its options, and it in the distiller."""

import copy
import warnings
from math import log
from typing import Any

import mmpretrain
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.runner.checkpoint import get_state_dict
from support.offline import HEAD, STUDENT, TEACHER, batch, distiller, read, step
from support.operations import Operations
from torch import Tensor, nn
from witnesses.naive_dskd import naive_distance, naive_kl, naive_weights, softmax

from mmkd_ext.benchmark.steps import deployed_size
from mmkd_ext.losses import DSKDHead, kd_loss
from mmkd_ext.losses.layer_weights import STRATEGIES
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

SHAPES = ((2, 8, 8), (3, 8, 8), (5, 4, 4), (6, 2, 2))
TEACHERS = ((4, 16, 16), (6, 16, 16), (7, 8, 8), (8, 4, 4))
STAGES = dict(STUDENT, backbone=dict(STUDENT['backbone'], out_indices=(1, 2, 4)))
LOSSES = dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0), dskd=dict(type='mmkd_ext.DSKDHead'))


def outputs(rng: torch.Generator, shapes=SHAPES, classes: int = 7, n: int = 3) -> Outputs:
    def draw(*shape: int) -> Tensor:
        return (2 * torch.randn(n, *shape, generator=rng, dtype=torch.float64)).requires_grad_()

    return Outputs(tuple(draw(*shape) for shape in shapes), draw(shapes[-1][0]), draw(classes))


def head_for(student: Outputs, teacher: Outputs, **options: Any) -> DSKDHead:
    torch.manual_seed(0)
    head = DSKDHead(**options)
    head.build_for(student, teacher)
    return head.double()


class Fixed(nn.Module):
    """A branch whose result the test chooses."""

    def __init__(self, result: Tensor) -> None:
        super().__init__()
        self.result = result

    def forward(self, x: Tensor) -> Tensor:
        return self.result


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('port', [False, True], ids=['default form', "the port's form"])
@pytest.mark.parametrize('same', [False, True], ids=['last map', 'same map'])
def test_terms_and_gradients_are_the_formulas(rng, strategy, port, same):
    student, teacher = outputs(rng), outputs(rng, TEACHERS)
    head = head_for(student, teacher, alpha=0.7, beta=3.0, loss_weight=1.5, strategy=strategy, include_last=port,
                    feature_target='same' if same else 'last', ce_weight=0.25)  # fmt: skip
    targets = [teacher.stages[i if same else 3] for i in range(3 + port)]
    logits = [torch.randn(3, 7, generator=rng, dtype=torch.float64).requires_grad_() for _ in range(3)]
    maps = [
        torch.randn(3, t.shape[1], min(s.shape[2], t.shape[2]), min(s.shape[3], t.shape[3]), generator=rng,
                    dtype=torch.float64).requires_grad_()
        for s, t in zip(student.stages, targets, strict=False)]  # fmt: skip
    head.branches = nn.ModuleList(map(Fixed, logits))
    head.regressors = nn.ModuleList(map(Fixed, maps))
    labels = torch.tensor([6, 0, 3])
    terms = head(student, teacher, labels)
    sum(terms.values()).backward()

    layers = [*logits, student.logits] if port else logits
    kl = [naive_kl(z.detach(), teacher.logits.detach(), 4.0) for z in layers]
    far = [naive_distance(x.detach(), t.detach()) for x, t in zip(maps, targets, strict=True)]
    ce = [-sum(log(softmax(row)[y]) for row, y in zip(z.tolist(), labels, strict=True)) / 3 for z in logits]
    w, v = (naive_weights([value for value, _ in each], strategy) for each in (kl, far))
    expected = {
        'cls': 1.5 * 0.7 * sum(a * b for a, (b, _) in zip(w, kl, strict=True)),
        'feat': 1.5 * 3.0 * sum(a * b for a, (b, _) in zip(v, far, strict=True)),
        'ce': 1.5 * 0.25 * sum(ce) / 3}
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-9)
    for x, weight, (_, gradient) in zip(maps, v, far, strict=True):
        torch.testing.assert_close(x.grad, 4.5 * weight * gradient, rtol=1e-9, atol=1e-12)
    for i, (z, weight, (_, gradient)) in enumerate(zip(layers, w, kl, strict=True)):
        labelled = (F.softmax(z.detach(), 1) - F.one_hot(labels, 7)) / 9 if i < 3 else 0.0
        torch.testing.assert_close(z.grad, 1.05 * weight * gradient + 0.375 * labelled, rtol=1e-9, atol=1e-12)
    assert all(x.grad is None for x in (*teacher.stages, teacher.logits, teacher.embedding))
    for i in range(3 + port):
        assert float(head.diagnostics[f'weight_cls_{i}']) == pytest.approx(w[i], rel=1e-9)
        assert float(head.diagnostics[f'weight_feat_{i}']) == pytest.approx(v[i], rel=1e-9)
        assert float(head.diagnostics[f'kl_{i}']) == pytest.approx(kl[i][0], rel=1e-9)
        assert float(head.diagnostics[f'distance_{i}']) == pytest.approx(far[i][0], rel=1e-9)
    assert len(head.diagnostics) == 4 * (3 + port)
    assert not any('loss' in key or value.requires_grad for key, value in head.diagnostics.items())


def test_a_branch_goes_down_to_the_last_stage_s_size(rng):
    student, teacher = outputs(rng), outputs(rng, TEACHERS)
    head = head_for(student, teacher)
    assert [branch.strides for branch in head.branches] == [(1, 2, 2), (2, 2), (2,)]
    for number, branch in enumerate(head.branches):
        state, x = dict(branch.named_parameters()), student.stages[number]
        for i, stride in enumerate(branch.strides):
            x = F.conv2d(x, state[f'{3 * i}.weight'], stride=stride, padding=1)
            assert x.shape[1:] == SHAPES[number + 1 + i]
            deviation = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), False, keepdim=True) + 1e-5).sqrt()
            x = deviation.clamp(min=0)
        last = 3 * len(branch.strides) + 2
        expected = x.mean((2, 3)) @ state[f'{last}.weight'].T + state[f'{last}.bias']
        torch.testing.assert_close(branch(student.stages[number]), expected)


def test_a_regressor_is_twice_as_wide_in_the_middle_and_sees_the_smaller_size(rng):
    student, teacher = outputs(rng), outputs(rng, TEACHERS)
    head = head_for(student, teacher, alpha=0)
    for number, regressor in enumerate(head.regressors):
        c = SHAPES[number][0]
        assert [tuple(p.shape) for p in regressor.parameters() if p.ndim == 4] == [
            (16, c, 1, 1), (16, 16, 3, 3), (8, 16, 1, 1)]  # fmt: skip
        assert [type(x).__name__ for x in regressor] == 2 * ['Conv2d', 'BatchNorm2d', 'ReLU'] + ['Conv2d']
    seen = []
    for regressor in head.regressors:
        regressor.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    head(student, teacher)
    expected = [F.adaptive_avg_pool2d(x, 4) for x in student.stages[:2]] + [student.stages[2]]
    torch.testing.assert_close(seen, expected)


def test_one_shallow_stage_is_plain_kd_on_its_branch(rng):
    student, teacher = outputs(rng, SHAPES[2:]), outputs(rng, TEACHERS)
    for strategy in STRATEGIES:
        head = head_for(student, teacher, beta=0, strategy=strategy).eval()
        (branch,) = head.branches
        expected = kd_loss(branch(student.stages[0]), teacher.logits, 4.0)
        torch.testing.assert_close(head(student, teacher), {'cls': expected})
        assert float(head.diagnostics['weight_cls_0']) == 1.0


def test_a_repeated_batch_changes_nothing_and_all_is_linear_in_the_weights(rng):
    student, teacher = outputs(rng), outputs(rng, TEACHERS)
    labels = torch.tensor([6, 0, 3])
    head = head_for(student, teacher, ce_weight=0.5)
    once = head(student, teacher, labels)
    twice = [
        Outputs(tuple(torch.cat([x, x]) for x in o.stages), torch.cat([o[1], o[1]]), torch.cat([o[2], o[2]]))
        for o in (student, teacher)]
    torch.testing.assert_close(head(*twice, torch.cat([labels, labels])), once)
    other = head_for(student, teacher, ce_weight=1.0, alpha=3.0, beta=0.1, loss_weight=2.0)(student, teacher, labels)
    factors = {'cls': 6.0, 'feat': 0.2, 'ce': 4.0}
    torch.testing.assert_close(other, {name: factors[name] * value for name, value in once.items()})
    soft = F.one_hot(labels, 7).double()
    torch.testing.assert_close(head(student, teacher, soft)['ce'], once['ce'])


@pytest.mark.parametrize(
    'options', [dict(alpha=0), dict(beta=0), dict(alpha=0, beta=0), dict(alpha=0, beta=0, ce_weight=1.0)])
def test_what_is_switched_off_is_not_built(rng, options):
    student, teacher = outputs(rng), outputs(rng, TEACHERS)
    head = head_for(student, teacher, **options)
    terms = head(student, teacher, torch.tensor([0, 1, 2]))
    branches, maps = options.get('alpha', 1) or 'ce_weight' in options, options.get('beta', 1)
    assert (len(head.branches), len(head.regressors)) == (3 if branches else 0, 3 if maps else 0)
    named = {'cls': options.get('alpha', 1), 'feat': maps, 'ce': options.get('ce_weight')}
    assert set(terms) == {name for name, on in named.items() if on}
    if terms:
        sum(terms.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_a_step_neither_waits_for_the_device_nor_loops_over_samples(rng, strategy):
    counts = []
    for n in (3, 12):
        student, teacher = outputs(rng, n=n), outputs(rng, TEACHERS, n=n)
        head = head_for(student, teacher, strategy=strategy, ce_weight=1.0)
        with Operations() as operations:
            sum(head(student, teacher, torch.arange(n) % 7).values()).backward()
        counts.append(operations.count)
    assert counts[0] == counts[1] > 0


def test_stages_can_be_chosen_and_keep_their_numbers(rng):
    student, teacher = outputs(rng), outputs(rng, TEACHERS)
    head = DSKDHead(student_stages=(1, 2, -1), teacher_stages=(0, 2, 3), feature_target='same')
    assert head.build_for(student, teacher) == [
        ('stage 1', '3x8x8', 'logits 7', '2 conv 3x3 (stride 2, 2), Linear(6)'),
        ('stage 2', '5x4x4', 'logits 7', '1 conv 3x3 (stride 2), Linear(6)'),
        ('stage 1', '3x8x8', '4x16x16', 'conv 1x1, 3x3, 1x1 (8)'),
        ('stage 2', '5x4x4', '7x8x8', 'conv 1x1, 3x3, 1x1 (14)')]
    head.double()(student, teacher)
    assert {key.rsplit('_', 1)[1] for key in head.diagnostics} == {'1', '2'}
    assert head.double()(student, teacher)['feat'].shape == ()


@pytest.mark.parametrize(('options', 'shapes', 'words'), [
    (dict(strategy='hard'), SHAPES, "got 'hard' and 'last'"),
    (dict(feature_target='first'), SHAPES, "got 'softmax' and 'first'"),
    (dict(tau=0.0), SHAPES, 'tau > 0, got 0'),
    (dict(), SHAPES[:1], r'two or more stages of the student.*\[\(2, 8, 8\)\].*out_indices'),
    (dict(), (), 'two or more stages of the student'),
    (dict(student_stages=(0, 9)), SHAPES, r'stages \[0, 9\] of the student.*which has 4: \[\(2, 8, 8\)'),
    (dict(feature_target='same'), SHAPES[1:], 'got 4 and 3'),
])  # fmt: skip
def test_what_does_not_fit_is_said(rng, options, shapes, words):
    student = outputs(rng, shapes or SHAPES)
    with pytest.raises(ValueError, match=words):
        DSKDHead(**options).build_for(student._replace(stages=student.stages[: len(shapes)]), outputs(rng, TEACHERS))


def test_other_classes_maps_that_are_none_and_no_branches_are_said(rng):
    student, teacher = outputs(rng), outputs(rng, TEACHERS, classes=9)
    with pytest.raises(ValueError, match='got 7 and 9'):
        DSKDHead().build_for(student, teacher)
    assert head_for(student, teacher, alpha=0)(student, teacher)['feat'] > 0  # maps alone can be followed
    with pytest.raises(ValueError, match='a map of the teacher, got none'):
        DSKDHead(alpha=0).build_for(student, teacher._replace(stages=()))
    with pytest.raises(RuntimeError, match='build_for'):
        DSKDHead()(student, teacher)
    with pytest.raises(ValueError, match='labels'):
        head_for(student, student, ce_weight=1.0)(student, student)


def test_through_the_distiller_each_network_runs_once_and_all_is_logged(rng):
    model = distiller(STAGES, losses=LOSSES).train()
    rows = [' '.join(line.split()) for line in model.adapter_table.splitlines()[2:]]
    assert rows == [
        'dskd stage 0 16x16x16 logits 5 2 conv 3x3 (stride 2, 2), Linear(64)',
        'dskd stage 1 32x8x8 logits 5 1 conv 3x3 (stride 2), Linear(64)',
        'dskd stage 0 16x16x16 128x4x4 conv 1x1, 3x3, 1x1 (256)',
        'dskd stage 1 32x8x8 128x4x4 conv 1x1, 3x3, 1x1 (256)']
    seen = []
    model.student.backbone.conv1.register_forward_hook(lambda *_: seen.append('student'))
    model.teachers['teacher'].network.backbone.conv1.register_forward_hook(lambda *_: seen.append('teacher'))
    before = copy.deepcopy(model.state_dict())
    terms = step(model, batch(rng))
    assert sorted(seen) == ['student', 'teacher']
    assert {k for k in terms if 'loss' in k} == {'loss', 'loss_student', 'loss_kd', 'loss_dskd_cls', 'loss_dskd_feat'}
    mine = {f'dskd_{what}_{i}' for what in ('weight_cls', 'weight_feat', 'kl', 'distance') for i in (0, 1)}
    assert mine < set(terms)
    assert terms['dskd_weight_cls_0'] + terms['dskd_weight_cls_1'] == pytest.approx(1)
    still = [k for k, v in model.state_dict().items() if k.startswith('distill.') and torch.equal(v, before[k])]
    assert still == [] and any(k.startswith('distill.dskd.regressors') for k in before)


def test_a_checkpoint_is_the_plain_student_s_and_what_is_deployed_has_no_branch(tmp_path, rng):
    model = distiller(STAGES, losses=LOSSES).train()
    step(model, batch(rng))
    state = get_state_dict(model)
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'epoch_1.pth')
    wrapped = dict(type='mmkd_ext.OfflineDistiller', student=STAGES)
    cfg = Config(dict(model=plain_model(wrapped), default_scope='mmpretrain'))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        plain = mmpretrain.get_model(cfg, pretrained=str(tmp_path / 'epoch_1.pth')).eval()
    assert plain.backbone.out_indices == (4,)
    assert set(plain.state_dict()) == {k for k in state if not k.startswith('distill.')}
    assert {k.split('.')[1] for k in state if k.startswith('distill.')} == {'dskd'}
    images = torch.randn(3, 3, 32, 32, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(plain(images), model.eval()(images), rtol=0, atol=0)
    assert deployed_size(model, (3, 32, 32)) == deployed_size(plain, (3, 32, 32))


def test_a_resumed_model_takes_the_same_step(rng):
    model, data = distiller(STAGES, losses=LOSSES).train(), batch(rng)
    step(model, data)
    other = distiller(STAGES, losses=LOSSES).train()
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    assert step(other, data) == step(model, data)


def test_under_autocast_the_terms_stay_float32_and_close(rng):
    model, data = distiller(STAGES, losses=LOSSES).train(), batch(rng)
    expected = copy.deepcopy(model)(*read(model, data), mode='loss')
    with torch.autocast('cpu', torch.bfloat16):
        terms = model(*read(model, data), mode='loss')
    model.parse_losses(terms)[0].backward()
    for name in ('loss_dskd_cls', 'loss_dskd_feat'):
        assert terms[name].dtype == torch.float32
        torch.testing.assert_close(terms[name], expected[name], rtol=0.05, atol=0.01)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


TIMM = dict(type='TimmClassifier', model_name='test_resnet', num_classes=5)
ZOO = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 3)),
    neck=dict(type='GlobalAveragePooling'), head=dict(HEAD, in_channels=32))  # fmt: skip
VIT = dict(model='timm/test_vit', num_classes=5, checkpoint=None, allow_random=True)


@pytest.mark.parametrize('student', [TIMM, ZOO, STAGES], ids=['timm', 'zoo', 'CIFAR zoo'])
@pytest.mark.parametrize('teacher', [TEACHER, VIT], ids=['ResNet', 'ViT'])
def test_any_student_with_stages_learns_from_any_teacher(rng, student, teacher):
    model = distiller(student, teacher, LOSSES, channel_order='rgb').train()
    terms = step(model, batch(rng))
    assert all(0 < terms[f'loss_dskd_{term}'] < float('inf') for term in ('cls', 'feat'))


def test_a_student_with_one_stage_says_how_to_get_more():
    with pytest.raises(ValueError, match='Set out_indices of its backbone'):
        distiller(STUDENT, losses=LOSSES)


def test_it_is_registered():
    assert MODELS.get('mmkd_ext.DSKDHead') is DSKDHead
