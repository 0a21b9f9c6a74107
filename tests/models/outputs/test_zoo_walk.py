"""Every family of mmpretrain and every module of timm, as teacher and as student: embedding, logits and stages.

The default run takes a few of them; all: `pytest -m 'zoo or not zoo' tests/models/outputs/test_zoo_walk.py`, seven minutes.
"""

import re
from pathlib import Path

import pytest
import timm
import torch
from mmengine.registry import DefaultScope
from mmpretrain import list_models
from mmpretrain.apis.model import ModelHub
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from support.zoo import (
    BUILT_FOR,
    FAILING,
    MMPRETRAIN,
    MORE_THAN_LINEAR,
    NO_CLASSIFIER,
    ONE_HEAD_STUDENTS,
    OTHER_STAGES,
    REPRESENTATIVE,
    SIDES,
    TIMM,
    TIMM_OPTIONS,
)
from torch import nn

from mmkd_ext.models.build import input_size
from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher

CLASSES = 7
pytestmark = [
    pytest.mark.filterwarnings('ignore::DeprecationWarning'),  # the packages' own: torch.jit, timm's old names
    pytest.mark.filterwarnings('ignore::FutureWarning'),
    pytest.mark.filterwarnings('ignore::UserWarning'),
]


def cases(families):
    for family in families:
        marks = [] if family in REPRESENTATIVE else [pytest.mark.zoo, pytest.mark.slow]
        if family in FAILING:
            marks.append(pytest.mark.xfail(reason=FAILING[family], strict=True))
        yield pytest.param(family, marks=marks)


def teacher_of(**spec):
    """A frozen teacher with random weights, of which no classifier is zero."""
    torch.manual_seed(0)
    teacher = FrozenTeacher(dict(checkpoint=None, allow_random=True, **spec))
    for module in teacher.network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and not module.weight.any():
            nn.init.normal_(module.weight, std=0.02)
    return teacher


def zoo_config(family):
    cfg = ModelHub.get(MMPRETRAIN[family]).config
    model = cfg.model.copy()
    model.pop('train_cfg', None)  # mixup needs a preprocessor
    if 'frozen_stages' in model.backbone:
        model.backbone.frozen_stages = -1  # those of linear probes do not train
    if family == 'RepLKNet':  # the configs of its smaller ones do not parse
        model.backbone.arch, model.head.in_channels = '31B', 1024
    if family in BUILT_FOR:
        model.backbone.img_size = BUILT_FOR[family]
        return model, BUILT_FOR[family]
    return model, SIDES.get(family) or input_size(cfg)


def calls_of(network, run):
    """What `run` returns, and which layers with weights ran in it, in order."""
    seen = []
    leaves = [module for module in network.modules() if list(module.parameters(recurse=False))]
    hooks = [leaf.register_forward_hook(lambda module, *_: seen.append(id(module))) for leaf in leaves]
    result = run()
    for hook in hooks:
        hook.remove()
    return result, seen


def check_maps(outputs):
    assert outputs.stages
    sides = [x.shape[2] for x in outputs.stages]
    assert sides == sorted(sides, reverse=True)
    assert all(x.ndim == 4 and len(x) == len(outputs.logits) and x.isfinite().all() for x in outputs.stages)
    assert outputs.embedding.ndim == outputs.logits.ndim == 2
    assert outputs.embedding.isfinite().all() and outputs.logits.isfinite().all()


def check_student(student, side, taught, rng):
    """One training pass: the teacher's kinds, and a gradient through each of them."""
    student.requires_grad_(True).train()
    images = torch.randn(2, 3, side, side, generator=rng).requires_grad_()
    samples = [DataSample().set_gt_label(label).set_gt_score(torch.eye(CLASSES)[label]) for label in (1, 3)]
    with recording(student) as record:
        losses = student(images, samples, mode='loss')
    outputs = record.outputs()
    check_maps(outputs)
    assert losses['loss'].isfinite()
    assert [x.shape for x in outputs.stages] == [x.shape for x in taught.stages]
    assert (outputs.embedding.shape, outputs.logits.shape) == (taught.embedding.shape, taught.logits.shape)
    for entering in record.embeddings:
        (gradient,) = torch.autograd.grad(outputs.logits.square().sum(), entering, retain_graph=True)
        assert gradient.any()
    parameters = [x for x in student.parameters() if x.requires_grad]  # PoolFormer freezes its stem
    some = {round(i * (len(outputs.stages) - 1) / 3) for i in range(4)}
    for index, stage in enumerate(outputs.stages):
        assert stage.requires_grad
        if index in some:
            weighted = (stage * torch.randn(stage.shape, generator=rng)).sum()
            of_images, *rest = torch.autograd.grad(
                weighted, [images, *parameters], retain_graph=True, allow_unused=True)
            assert of_images.any() and any(x is not None and x.any() for x in rest)


@pytest.mark.parametrize('module', list(cases(TIMM)))
def test_timm(module, rng):
    teacher = teacher_of(
        model=f'timm/{TIMM[module]}', num_classes=CLASSES, options=TIMM_OPTIONS.get(module, {}))
    network = teacher.network.model  # in mmpretrain's TimmClassifier
    own = network.pretrained_cfg['input_size'][-1]
    side = teacher.input_size or SIDES.get(module) or min(own, 128)
    images = torch.randn(2, 3, side, side, generator=rng)
    with torch.no_grad():
        logits, calls = calls_of(network, lambda: network(images))
    outputs, recorded_calls = calls_of(network, lambda: teacher(images))
    assert recorded_calls == calls
    check_maps(outputs)
    torch.testing.assert_close(outputs.logits, logits)

    classifier = network.get_classifier()
    if isinstance(classifier, nn.Linear):
        linear = torch.allclose(classifier(outputs.embedding), logits, rtol=1e-3, atol=1e-5)
        assert linear == (module not in MORE_THAN_LINEAR)
    with torch.no_grad():
        theirs = network.forward_intermediates(images, intermediates_only=True)
    same = [x.shape for x in theirs] == [x.shape for x in outputs.stages] and all(
        torch.allclose(x, y, rtol=1e-3, atol=1e-4) for x, y in zip(theirs, outputs.stages, strict=True))
    assert same == (module not in OTHER_STAGES)

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        student = MODELS.build(dict(type='TimmClassifier', model_name='test_resnet', num_classes=CLASSES))
    student.model = network
    check_student(student, side, outputs, rng)


@pytest.mark.parametrize('family', list(cases(MMPRETRAIN)))
def test_mmpretrain(family, rng):
    model, side = zoo_config(family)
    inside = 'num_classes' in model.backbone or model.backbone.type in ('VGG', 'InceptionV3')
    if inside:
        model.backbone.num_classes = CLASSES
    else:
        model.head.num_classes = CLASSES
    teacher = teacher_of(model=model)
    network = teacher.network
    images = torch.randn(2, 3, side, side, generator=rng)
    with torch.no_grad():
        predicted, calls = calls_of(network, lambda: network(images, mode='predict'))
    outputs, recorded_calls = calls_of(network, lambda: teacher(images))
    assert recorded_calls == calls
    check_maps(outputs)
    scores = outputs.logits.sigmoid() if family == 'CSRA' else outputs.logits.softmax(dim=1)
    torch.testing.assert_close(scores, torch.stack([x.pred_score for x in predicted]))

    linear = [x for x in (network.backbone if inside else network.head).modules() if isinstance(x, nn.Linear)]
    if family not in MORE_THAN_LINEAR and len(linear) == 1 or inside:
        torch.testing.assert_close(linear[-1](outputs.embedding), outputs.logits, rtol=1e-3, atol=1e-5)
    if family in ONE_HEAD_STUDENTS:
        with pytest.raises(NotImplementedError, match="doesn't support"):
            check_student(network, side, outputs, rng)
        model.head.distillation = False
        network = teacher_of(model=model).network
    check_student(network, side, outputs, rng)


def test_the_walk_names_every_module_and_every_family():
    assert set(TIMM) == set(timm.list_modules())
    list_models()
    families = {meta.in_collection for meta in ModelHub._models_dict.values()}
    assert families == set(MMPRETRAIN) | NO_CLASSIFIER
    assert not set(MMPRETRAIN) & NO_CLASSIFIER
    known = {*TIMM, *MMPRETRAIN}
    assert known >= {*FAILING, *ONE_HEAD_STUDENTS, *MORE_THAN_LINEAR, *OTHER_STAGES, *SIDES, *BUILT_FOR, *REPRESENTATIVE}


@pytest.mark.zoo
@pytest.mark.slow
def test_a_family_without_a_classifier_has_no_config_with_a_head():
    list_models()
    for name, meta in ModelHub._models_dict.items():
        if meta.in_collection in NO_CLASSIFIER:
            model = ModelHub.get(name).config.model
            assert model.type != 'ImageClassifier' or not model.get('head')


def test_the_readme_says_what_the_walk_knows():
    text = (Path(__file__).parents[3] / 'README.md').read_text(encoding='utf-8')
    section = text.split('## Which networks of the zoo work')[1].split('\n## ')[0]
    passing = [sum(x not in FAILING for x in families) for families in (MMPRETRAIN, TIMM)]
    assert re.findall(r'(\d+) of (\d+)', section) == [
        (str(passing[0]), str(len(MMPRETRAIN))), (str(passing[1]), str(len(TIMM)))]
    named = set(re.findall(r'`([^`]+)`', section.split('<!-- walk-names -->')[1].split('<!-- /walk-names -->')[0]))
    assert named == {*FAILING, *ONE_HEAD_STUDENTS, *MORE_THAN_LINEAR, *OTHER_STAGES, *NO_CLASSIFIER}
