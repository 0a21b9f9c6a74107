"""Losses whose weight is measured: the factor by plain `torch.autograd`, alone, accumulated, in bfloat16, warmed up, among peers."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from support import mutual, offline
from torch import nn

from mmkd_ext.hooks import AutoWeightHook
from mmkd_ext.models.outputs.shared_layers import shared_parameters
from mmkd_ext.optim import CPUAmpOptimWrapper
from mmkd_ext.registry import MODELS

AUTO = dict(
    kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight='auto:0.5'),
    nd=dict(type='mmkd_ext.NDLoss', dropout=0.0, loss_weight='auto:0.1'))
PLAIN = {name: dict(loss, loss_weight=1.0) for name, loss in AUTO.items()}


def norms_by_hand(model, data, terms, context=None):
    """Of each term, by `backward` on a network of its own."""
    found = {}
    for term in terms:
        one = copy.deepcopy(model).train()
        wrapper = OptimWrapper(torch.optim.SGD(one.parameters(), lr=0.1)) if context is None else context(one)
        with wrapper.optim_context(one):
            said = one(**one.data_preprocessor(copy.deepcopy(data), True), mode='loss')
        said[term].backward()
        gradients = [p.grad.double() for p in one.student.backbone.parameters() if p.grad is not None]
        found[term] = sum(float(x.square().sum()) for x in gradients) ** 0.5
    return found


def trained(model, batches, wrapper=OptimWrapper, **options):
    """The logged terms of some steps that move nothing."""
    optim = wrapper(torch.optim.SGD(model.parameters(), lr=0.0), **options)
    optim.initialize_count_status(nn.Linear(1, 1), 0, len(batches))
    return [{k: float(v.detach()) for k, v in model.train().train_step(copy.deepcopy(data), optim).items()} for data in batches]


@pytest.mark.parametrize('how', ['alone', 'accumulated', 'bfloat16', 'warmed up'])
def test_the_factors_are_those_of_gradients_by_hand(rng, monkeypatch, how):
    monkeypatch.setattr('mmkd_ext.losses.auto_weight.ITERATIONS', 3)
    model, plain = offline.distiller(losses=AUTO), offline.distiller(losses=PLAIN)
    plain.load_state_dict(model.state_dict(), strict=False)
    batches = [offline.batch(rng) for _ in range(4)]
    half = how == 'bfloat16'
    wrapper = (lambda one: CPUAmpOptimWrapper(torch.optim.SGD(one.parameters(), lr=0.1))) if half else None
    by_hand = [norms_by_hand(plain, data, ('loss_student', 'loss_kd', 'loss_nd'), wrapper) for data in batches[:3]]
    if how == 'warmed up':
        model.set_loss_factor('kd', 0.0)

    logged = trained(
        model, batches, CPUAmpOptimWrapper if half else OptimWrapper, accumulative_counts=2 if how == 'accumulated' else 1)

    for name, share in (('kd', 0.5), ('nd', 0.1)):
        task, own = (sum(each[f'loss_{key}'] for each in by_hand) for key in ('student', name))
        assert model.distill[name].auto_weight.fixed
        assert model.distill[name].auto_weight.factor == pytest.approx(share * task / own, rel=1e-2 if half else 1e-4)
        first = share * by_hand[0]['loss_student'] / by_hand[0][f'loss_{name}']
        assert logged[0][f'{name}_weight'] == pytest.approx(first, rel=1e-2 if half else 1e-4)  # from the first iteration on
        assert logged[3][f'{name}_weight'] == logged[2][f'{name}_weight']
        for each in logged:
            ramp = 0.0 if (how, name) == ('warmed up', 'kd') else 1.0
            assert each[f'loss_{name}'] == pytest.approx(ramp * each[f'{name}_weight'] * each[f'{name}_unweighted'], rel=1e-5)
    for each in logged:
        assert each['loss'] == pytest.approx(each['loss_student'] + each['loss_kd'] + each['loss_nd'], rel=1e-5)


def test_the_step_s_own_gradient_is_that_of_a_number(rng, monkeypatch):
    model, plain = offline.distiller(losses=AUTO), offline.distiller(losses=PLAIN)
    plain.load_state_dict(model.state_dict(), strict=False)
    inputs, samples = offline.read(model, offline.batch(rng))
    model.train().parse_losses(model(inputs, samples, mode='loss'))[0].backward()
    for name in AUTO:
        plain.distill[name].loss_weight = model.distill[name].auto_weight.factor
    plain.train().parse_losses(plain(inputs, samples, mode='loss'))[0].backward()
    for (key, mine), theirs in zip(model.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-7, msg=key)


def test_a_look_before_the_run_and_evaluation_measure_nothing(rng):
    model = offline.distiller(losses=AUTO)
    inputs, samples = offline.read(model, offline.batch(rng))
    with torch.no_grad():
        model.train()(inputs, samples, mode='loss')
    model.eval()(inputs, samples, mode='loss')
    assert model.distill.kd.auto_weight.measured == (0, 0.0, 0.0)


def test_peers_and_each_student_of_a_teacher_have_their_factors(rng, monkeypatch):
    monkeypatch.setattr('mmkd_ext.losses.auto_weight.ITERATIONS', 1)
    losses = dict(
        kd=dict(type='mmkd_ext.KDLoss', loss_weight='auto:0.3'), peers=dict(type='mmkd_ext.MutualLearningLoss', loss_weight='auto:2'))
    model = mutual.distiller(losses=losses).train()
    inputs, samples = offline.read(model, offline.batch(rng))
    terms = model(inputs, samples, mode='loss')
    backbones = {name: list(model.networks[name].backbone.parameters()) for name in model.students}

    def norm(value, names):
        parameters = [p for name in names for p in backbones[name]]
        gradients = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
        return sum(float(x.double().square().sum()) for x in gradients if x is not None) ** 0.5

    for name in model.students:
        assert norm(terms[f'loss_kd_{name}'], [name]) == pytest.approx(0.3 * norm(terms[f'loss_{name}'], [name]), rel=1e-4)
    task, own = (sum(terms[f'loss_{key}{name}'] for name in model.students) for key in ('', 'peers_'))
    assert norm(own, model.students) == pytest.approx(2 * norm(task, model.students), rel=1e-4)


def test_a_loss_without_gradient_is_one_sentence(rng, monkeypatch):
    monkeypatch.setattr('mmkd_ext.losses.auto_weight.ITERATIONS', 2)
    model = offline.distiller(losses=dict(kd=AUTO['kd']))
    model.distill.kd.forward = lambda student, teacher, target: 0 * student.logits.sum()
    trained(model, [offline.batch(rng)])
    with pytest.raises(ValueError, match="losses.kd with loss_weight='auto:0.5' needs a gradient .* got a norm of 0 beside"):
        trained(model, [offline.batch(rng)])


@pytest.mark.parametrize(('backbone', 'words'), [
    (dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, frozen_stages=4), 'trains, got one without'),
    (dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, with_cp=True), 'with_cp=True'),
])  # fmt: skip
def test_a_backbone_that_cannot_be_measured_is_refused_when_it_is_built(backbone, words):
    student = dict(offline.STUDENT, backbone=backbone, head=dict(offline.HEAD, in_channels=32))
    with pytest.raises(ValueError, match=f"losses.kd with loss_weight='auto:0.5' needs a student whose backbone .*{words}"):
        offline.distiller(student=student, losses=dict(kd=AUTO['kd']))


def test_shared_layers_are_the_backbone_without_a_classifier():
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        timm = MODELS.build(dict(type='TimmClassifier', model_name='test_resnet', num_classes=5))
        lenet = MODELS.build(dict(type='ImageClassifier', backbone=dict(type='LeNet5', num_classes=5), head=dict(type='ClsHead')))
        plain = MODELS.build(offline.STUDENT)
    own = {id(p) for p in timm.model.get_classifier().parameters()}
    assert {id(p) for p in shared_parameters(timm)} == {id(p) for p in timm.parameters()} - own
    assert [tuple(p.shape) for p in lenet.parameters() if id(p) not in set(map(id, shared_parameters(lenet)))] == [(5, 84), (5,)]
    assert list(map(id, shared_parameters(plain))) == list(map(id, plain.backbone.parameters()))


@pytest.mark.inductor
@pytest.mark.filterwarnings('ignore')  # the compiler's own
@pytest.mark.parametrize('backend', ['aot_eager', 'inductor'])
def test_compiled_it_measures_the_same(rng, monkeypatch, backend):
    monkeypatch.setattr('mmkd_ext.losses.auto_weight.ITERATIONS', 2)
    runner = SimpleNamespace(model=offline.distiller(losses=AUTO), cfg=dict(compile=True), _resume=False, logger=MMLogger('measured'))
    AutoWeightHook().before_train(runner)
    batches = [offline.batch(rng) for _ in range(3)]
    found = []
    for compiled in (False, True):
        torch._dynamo.reset()
        model = offline.distiller(losses=AUTO).train()
        optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))
        step = torch.compile(model.train_step, backend=backend) if compiled else model.train_step
        found.append([float(step(copy.deepcopy(data), optim)['loss'].detach()) for data in batches])
        assert model.distill.kd.auto_weight.fixed
    assert found[0] == pytest.approx(found[1], rel=1e-4)
