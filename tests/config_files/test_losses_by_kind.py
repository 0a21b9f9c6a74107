"""The table of losses and kinds of networks in configs/README.md: where it says yes a step is trained, where it says no it is refused."""

import ast
import re

import pytest
import torch
from support import dense, detection, offline, query, segmentation
from support import several_labels as labels
from support.runs import REPO

from mmkd_ext import losses as package
from mmkd_ext.losses import DistillationLoss
from mmkd_ext.losses.base import READS
from mmkd_ext.models.distillers import loss_terms
from mmkd_ext.registry import MODELS


def loss_of(call):
    """The config of a loss, written as a call in backticks."""
    tree = ast.parse(call.strip('`'), mode='eval').body
    return dict(type=f'mmkd_ext.{tree.func.id}', **{each.arg: ast.literal_eval(each.value) for each in tree.keywords})


def table():
    text = (REPO / 'configs/README.md').read_text(encoding='utf-8').split('## Which loss for which network')[1]
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in text.splitlines() if line.startswith('|')]
    return rows[0], rows[2:]


HEAD, ROWS = table()
KINDS = dict(zip(('classifier', 'labels', 'two-stage', 'dense', 'query', 'segmentor'), HEAD[2:], strict=True))
RNG = torch.Generator().manual_seed(0)


def column(kind):
    return {row[0]: row[HEAD.index(KINDS[kind])] for row in ROWS}


def with_stages(network, width=1):
    backbone = dict(type='mmkd_ext.CIFARResNet', depth=8, width=width, out_indices=(1, 2, 3))
    return dict(network, backbone=backbone, head=dict(network['head'], in_channels=64 * width))


def classifiers(losses):
    teacher = dict(offline.TEACHER, model=with_stages(offline.STUDENT, 2))
    model = offline.distiller(student=with_stages(offline.STUDENT), teacher=teacher, losses=losses)
    return model, offline.batch(RNG)


def of_several_labels(losses):
    model = labels.distiller(with_stages(labels.network()), with_stages(labels.network(), 2), losses)
    for loss in model.distill.values():
        if loss.needs_class_means:
            loss.set_class_means(torch.rand(4, 128, generator=RNG) + 0.1)
    return model, labels.batch(RNG)


def detectors(losses):
    return detection.pair('faster', losses), detection.raw(RNG)


def dense_detectors(losses):
    return dense.pair('gfl', losses), dense.batch(RNG)


def query_detectors(losses):
    return query.pair('deformable', losses), query.batch(RNG)


def segmentors(losses):
    pytest.importorskip('mmseg', reason='of the extra seg')
    return segmentation.pair('psp', losses), segmentation.batch(RNG)


BUILDS = {
    'classifier': classifiers, 'labels': of_several_labels, 'two-stage': detectors, 'dense': dense_detectors, 'query': query_detectors,
    'segmentor': segmentors}
OF_MMDET = [
    pytest.mark.det, pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`'),
    pytest.mark.filterwarnings('ignore:torch.meshgrid'), pytest.mark.filterwarnings('ignore::DeprecationWarning')]
MARKS = {'classifier': (), 'labels': (), 'segmentor': pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore``')}
each_kind = pytest.mark.parametrize('kind', [pytest.param(kind, marks=MARKS.get(kind, OF_MMDET)) for kind in BUILDS])


def test_every_loss_has_a_row_that_says_what_it_compares():
    ours = {name for name in package.__all__ if isinstance(cls := getattr(package, name), type) and issubclass(cls, DistillationLoss)}
    assert {row[0].strip('`').split('(')[0] for row in ROWS} == ours - {'DistillationLoss', 'ClassMeansLoss'}
    for call, compares, *cells in ROWS:
        loss = MODELS.build(loss_of(call))
        assert {what for what in READS if loss.reads(what)} == set(compares.split(', '))
        assert all(re.fullmatch('yes(: .+)?|no: .+', cell) for cell in cells)


@each_kind
def test_where_the_table_says_yes_a_step_is_trained(kind):
    calls = [call for call, cell in column(kind).items() if cell.startswith('yes')]
    assert len(calls) >= 8
    model, data = BUILDS[kind]({f'x{i}': loss_of(call) for i, call in enumerate(calls)})
    torch.manual_seed(0)
    terms = model.train()(**model.data_preprocessor(data, True), mode='loss')
    for i, call in enumerate(calls):
        values = [value for key, value in terms.items() if re.fullmatch(rf'loss_x{i}(_\w+)?', key)]
        assert values and all(value.isfinite() and value.requires_grad for value in values), call
    total, _ = model.parse_losses(terms)
    total.backward()
    for i, call in enumerate(calls):
        trained = list(model.distill[f'x{i}'].parameters())
        assert all(p.grad is not None and p.grad.isfinite().all() for p in trained), call
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.student.parameters())


@each_kind
def test_where_the_table_says_no_it_is_refused_by_that_sentence(kind):
    refused = {call: cell.removeprefix('no: ') for call, cell in column(kind).items() if cell.startswith('no: ')}
    assert refused
    model, _ = BUILDS[kind](dict(kd=dict(type='mmkd_ext.KDLoss')))
    shape = model.input_shape
    with torch.no_grad():
        images, places = model.reader.example(shape)
        model.eval()
        readers = model.reader, model.kind(model.teachers['teacher'].network)
        student, teacher = (each.answer(each.look(images), places) for each in readers)
    for call, sentence in refused.items():
        with pytest.raises(ValueError, match=re.escape(sentence)) as error:
            loss_terms.adapters_for('x', MODELS.build(loss_of(call)), model.kind, shape[1:], student, teacher)
        assert 'losses.x' in str(error.value)
