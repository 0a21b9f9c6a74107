"""The students as a neck: against the naive reference, the golden network, and the plain network without them."""

from typing import Any

import mmpretrain.models  # noqa: F401  (registers mmpretrain's backbones)
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from support import golden
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode
from witnesses.naive_teskd import NaiveTESKD

from mmkd_ext.models.necks import TESKDNeck

CLOSE = {'rtol': 1e-9, 'atol': 1e-10}
CASES: dict[str, dict[str, Any]] = {
    'four stages': {'widths': (4, 6, 8, 10), 'sizes': (16, 8, 4, 2)},
    'three stages': {'widths': (4, 6, 8), 'sizes': (8, 4, 2)},
    'two stages': {'widths': (4, 6), 'sizes': (8, 4)},
    'narrow students': {'widths': (4, 6, 8, 10), 'sizes': (16, 8, 4, 2), 'channels': 5},
    'wide students': {'widths': (4, 6, 8), 'sizes': (8, 4, 2), 'channels': 12},
    'odd maps': {'widths': (4, 6, 8, 10), 'sizes': (9, 5, 3, 2)},
    'maps below the kernel': {'widths': (4, 6, 8, 10), 'sizes': (7, 4, 2, 1)},
    'far below the kernel': {'widths': (4, 6), 'sizes': (6, 3), 'branch_strides': (16,)},
    'oblong maps': {'widths': (4, 6, 8, 10), 'sizes': ((8, 13), (4, 7), (2, 4), (1, 2))},
    'VGG on CIFAR': {'widths': (4, 6, 10, 10), 'sizes': (8, 4, 2, 1), 'branch_strides': (4, 2, 1)},
    'stages of one size': {'widths': (4, 6, 8), 'sizes': (8, 8, 4), 'stage_strides': (2, 1, 2), 'naive': (2, 2)},
    'stages of stride 4': {'widths': (4, 6, 8), 'sizes': (16, 4, 2), 'stage_strides': (2, 4, 2), 'naive': (8, 2)},
}


def fill(module: nn.Module) -> nn.Module:
    """By shape, then BatchNorms that are not the identity."""
    golden.fill_by_shape(module).double()
    with torch.no_grad():
        for norm in (m for m in module.modules() if isinstance(m, _BatchNorm)):
            norm.weight += 0.3 * golden.uniform(norm.weight.shape, 5)
            norm.bias += 0.2 * golden.uniform(norm.bias.shape, 6)
    return module


def neck_and_naive(case: dict[str, Any], **extra: Any) -> tuple[TESKDNeck, NaiveTESKD]:
    options = {k: v for k, v in case.items() if k in ('channels', 'stage_strides', 'branch_strides')}
    students = len(case['widths']) - 1
    kernels = case.get('naive') or case.get('branch_strides') or tuple(2 ** (students - i) for i in range(students))
    naive = NaiveTESKD(case['widths'], 3, case.get('channels'), kernels)
    return fill(TESKDNeck(case['widths'], **options, **extra)), fill(naive)


def maps(rng: torch.Generator, case: dict[str, Any], batch: int = 3) -> list[Tensor]:
    shapes = (
        (width, *(size if isinstance(size, tuple) else (size, size)))
        for width, size in zip(case['widths'], case['sizes'], strict=True)
    )
    return [torch.randn(batch, *shape, generator=rng, dtype=torch.float64) for shape in shapes]


def naive_features(naive: NaiveTESKD, stages: list[Tensor]) -> list[Tensor]:
    _, students, _, teacher = naive(stages)
    return [*students, teacher]


def assert_same_by_shape(actual: list[Tensor], expected: list[Tensor]) -> None:
    """Names and order are the implementation's own: compare what has one shape, smallest norm first."""
    groups: list[dict[tuple[int, ...], list[Tensor]]] = []
    for tensors in (actual, expected):
        groups.append({})
        for tensor in sorted(tensors, key=lambda t: t.norm().item()):
            groups[-1].setdefault(tuple(tensor.shape), []).append(tensor)
    torch.testing.assert_close(*groups, **CLOSE)


@pytest.mark.parametrize('case', CASES.values(), ids=CASES)
def test_features_gradients_and_running_statistics_match_naive_reference(rng, case):
    neck, naive = neck_and_naive(case)
    stages = maps(rng, case)
    weights = [torch.randn(3, case['widths'][-1], generator=rng, dtype=torch.float64) for _ in stages]
    results = []
    for features_of, module in ((neck, neck), (lambda x: naive_features(naive, x), naive)):
        inputs = [stage.clone().requires_grad_() for stage in stages]
        features = list(features_of(inputs))
        sum((f * w).sum() for f, w in zip(features, weights, strict=True)).backward()
        parameters = {k: p.grad for k, p in module.named_parameters() if not k.startswith(('fc.', 'classifiers.'))}
        statistics = [b for m in module.modules() if isinstance(m, _BatchNorm) for b in (m.running_mean, m.running_var)]
        results.append(([f.detach() for f in features], [x.grad for x in inputs], parameters, statistics))
    (features, inputs, parameters, statistics), expected = results
    assert len(features) == len(stages)
    torch.testing.assert_close(features, expected[0], **CLOSE)
    torch.testing.assert_close(inputs, expected[1], **CLOSE)
    assert [k for k, g in parameters.items() if g is None] == []  # DDP finds no unused parameter
    assert_same_by_shape(list(parameters.values()), list(expected[2].values()))
    assert_same_by_shape(statistics, expected[3])


def test_students_evaluated_on_request_use_running_statistics(rng):
    neck, naive = neck_and_naive(CASES['odd maps'], eval_students=True)
    for _ in range(2):
        stages = maps(rng, CASES['odd maps'])
        neck(stages), naive(stages)
    neck.eval(), naive.eval()
    stages = maps(rng, CASES['odd maps'])
    torch.testing.assert_close(list(neck(stages)), naive_features(naive, stages), **CLOSE)


def test_eval_returns_only_the_pooled_last_map(rng):
    neck, _ = neck_and_naive(CASES['four stages'])
    stages = maps(rng, CASES['four stages'])
    features = neck.eval()(tuple(stages))
    assert isinstance(features, tuple) and len(features) == 1
    torch.testing.assert_close(features[0], stages[-1].mean(dim=(2, 3)), **CLOSE)


def test_autocast_trains_with_finite_gradients(rng):
    neck = TESKDNeck((4, 6, 8, 10))
    stages = [stage.float() for stage in maps(rng, CASES['four stages'])]
    with torch.autocast('cpu', torch.bfloat16):
        features = neck(stages)
    sum(f.float().square().sum() for f in features).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in neck.parameters())


@pytest.mark.parametrize('amp', [False, True])
def test_students_in_half_precision_are_those_of_autocast_and_what_leaves_them_is_float32(rng, amp):
    results = []
    for precision, outer in (('bf16', amp), (None, True)):
        neck = neck_and_naive(CASES['four stages'], precision=precision)[0].float()
        stages = [stage.float().requires_grad_() for stage in maps(rng.manual_seed(0), CASES['four stages'])]
        with torch.autocast('cpu', torch.bfloat16, enabled=outer):
            features = neck(stages)
        assert {f.dtype for f in features} == {torch.float32}
        sum(f.float().square().sum() for f in features).backward()
        results.append([x.detach().float() for x in (*features, *(stage.grad for stage in stages))])
    for actual, expected in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def test_without_gradients_the_features_are_the_same_and_keep_no_graph(rng):
    neck, _ = neck_and_naive(CASES['four stages'])
    stages = maps(rng, CASES['four stages'])
    expected = neck(stages)
    with torch.no_grad():
        features = neck(stages)
    assert expected[0].requires_grad and not any(f.requires_grad for f in features)
    torch.testing.assert_close(features, expected)


def test_under_autocast_features_and_gradients_stay_near_those_of_full_precision(rng):
    neck, naive = neck_and_naive(CASES['four stages'])
    results = []
    for module, features_of, amp in ((neck, neck, True), (naive, lambda x: naive_features(naive, x), False)):
        module.float()
        with torch.autocast('cpu', torch.bfloat16, enabled=amp):
            features = list(features_of([stage.float() for stage in maps(rng.manual_seed(0), CASES['four stages'])]))
        sum(f.float().square().sum() for f in features).backward()
        grads = [p.grad.norm() for k, p in module.named_parameters() if not k.startswith(('fc.', 'classifiers.'))]
        results.append(([f.detach().float() for f in features], torch.stack(grads).norm()))
    (actual, grad), (expected, exact) = results
    for a, b in zip(actual, expected, strict=True):
        assert (a - b).norm() < 0.05 * b.norm()
    torch.testing.assert_close(grad, exact, rtol=0.1, atol=0)


@pytest.mark.parametrize(
    ('widths', 'sizes', 'words'),
    [
        ((4, 6, 8), (16, 8, 4), ('(4, 6, 8, 10)', '4, 6, 8')),
        ((4, 6, 8, 10, 12), (16, 8, 4, 2, 1), ('(4, 6, 8, 10)', '12')),
        ((4, 6, 9, 10), (16, 8, 4, 2), ('(4, 6, 8, 10)', '9')),
        ((10, 8, 6, 4), (16, 8, 4, 2), ('(4, 6, 8, 10)', '10, 8, 6, 4')),
        ((4, 6, 8, 10), (16, 16, 8, 4), ('16', 'stage_strides=(2, 1, 2, 2)')),
        ((4, 6, 8, 10), (16, 8, 4, 4), ('4', 'stage_strides=(2, 2, 2, 1)')),
        ((4, 6, 8, 10), (32, 8, 4, 2), ('32', 'stage_strides=(2, 4, 2, 2)')),
    ],
)
def test_stages_that_do_not_fit_are_refused_in_words(rng, widths, sizes, words):
    stages = maps(rng, {'widths': widths, 'sizes': sizes})
    with pytest.raises(ValueError) as error:
        TESKDNeck((4, 6, 8, 10)).double()(stages)
    assert [word for word in words if word not in str(error.value)] == []


@pytest.mark.parametrize(
    ('options', 'word'),
    [
        ({'in_channels': (4,)}, 'in_channels'),
        ({'in_channels': (4, 6, 8), 'branch_strides': (4, 2, 1)}, 'branch_strides'),
        ({'in_channels': (4, 6, 8), 'stage_strides': (2, 2)}, 'stage_strides'),
        ({'in_channels': (4, 6, 8), 'precision': 'bf8'}, "precision to be None or 'bf16', got 'bf8'"),
    ],
)
def test_unusable_options_are_refused_at_construction(options, word):
    with pytest.raises(ValueError, match=word):
        TESKDNeck(**options)


def classifier(width: int, classes: int, students: bool = True) -> nn.Module:
    """CIFAR ResNet-18, `width` channels in its first stage, with TESKD or as the zoo has it."""
    init_default_scope('mmpretrain')
    widths = tuple(width * 2**i for i in range(4))
    backbone = {
        'type': 'ResNet_CIFAR',
        'depth': 18,
        'num_stages': 4,
        'style': 'pytorch',
        'stem_channels': width,
        'base_channels': width,
        'out_indices': (0, 1, 2, 3) if students else (3,),
    }
    neck = {'type': 'mmkd_ext.TESKDNeck', 'in_channels': widths} if students else {'type': 'GlobalAveragePooling'}
    head = {
        'type': 'mmkd_ext.TESKDHead' if students else 'LinearClsHead',
        'num_classes': classes,
        'in_channels': widths[-1],
    }
    return MODELS.build({'type': 'ImageClassifier', 'backbone': backbone, 'neck': neck, 'head': head})


def samples(target: Tensor) -> list[DataSample]:
    return [DataSample().set_gt_label(label) for label in target.tolist()]


def test_golden_network():
    case = golden.load('teskd')['net'][0]
    model = golden.fill_by_shape(classifier(64, case['C'])).double().train()
    target = torch.arange(case['B']) % case['C']
    features = model.extract_feat(golden.uniform((case['B'], 3, 32, 32), case['input_salt']))
    losses = model.head.loss(features, samples(target))
    total = losses['loss_ce'] + losses['loss_kl'] + losses['loss_feature']
    total.backward()
    logits = [fc(feature) for fc, feature in zip(model.head.students, features, strict=False)]
    helpers = [p for k, p in model.named_parameters() if k.startswith(('neck.', 'head.students.'))]
    deployed = [p for k, p in model.named_parameters() if not k.startswith(('neck.', 'head.students.'))]

    def norm(parameters: list[Tensor]) -> Tensor:
        return torch.stack([p.grad.norm() for p in parameters]).norm()

    assert sum(p.numel() for p in deployed) == case['params_backbone_and_fc']
    assert sum(p.numel() for p in helpers) == case['params_students']
    for actual, expected in [
        (model.head(features), case['teacher_logits']),
        (torch.stack(logits[::-1]), case['student_logits_S3_S2_S1']),
        (losses['loss_ce'] / 0.2, case['ce_sum']),
        (losses['loss_kl'] / 0.8, case['kl_sum']),
        (losses['loss_feature'] / 1e-7, case['feature_sum']),
        (total, case['total']),
        (norm(deployed), case['grad_norm_backbone_and_fc']),
        (norm(helpers), case['grad_norm_students']),
    ]:
        torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=1e-9)


def test_checkpoint_is_the_plain_network_plus_helpers_under_their_prefixes(rng):
    model, plain = classifier(4, 7), classifier(4, 7, students=False)
    helpers = [key for key in model.state_dict() if key not in plain.state_dict()]
    assert helpers and all(key.startswith(('neck.', 'head.students.')) for key in helpers)
    images = torch.randn(5, 3, 16, 16, generator=rng)
    model.loss(images, samples(torch.arange(5)))  # running statistics off their defaults
    loaded = plain.load_state_dict(model.state_dict(), strict=False)
    assert loaded.missing_keys == [] and sorted(loaded.unexpected_keys) == sorted(helpers)
    model.eval(), plain.eval()
    torch.testing.assert_close(model(images), plain(images), rtol=0, atol=1e-6)
    predictions = [[s.pred_label.item() for s in net.predict(images)] for net in (model, plain)]
    assert predictions[0] == predictions[1]


def test_inference_runs_no_student_and_not_one_operation_more(rng):
    model, plain = classifier(4, 7).eval(), classifier(4, 7, students=False).eval()
    images = torch.randn(2, 3, 16, 16, generator=rng)
    calls: list[nn.Module] = []
    for module in (*model.neck.modules(), *model.head.students.modules()):
        if module is not model.neck and not list(module.children()):
            module.register_forward_hook(lambda module, *_: calls.append(module))
    flops = []
    for network in (model, plain):
        with FlopCounterMode(display=False) as counter:
            network.predict(images)
        flops.append(counter.get_total_flops())
    assert [m for m in calls if any(True for _ in m.parameters())] == [] and flops[0] == flops[1]
    with FlopCounterMode(display=False) as counter:  # the same counters do see the students in training
        model.train().loss(images, samples(torch.arange(2)))
    assert set(calls) >= set(model.head.students) and counter.get_total_flops() > 2 * flops[1]
