"""Every dense and query family of mmdet's zoo, random weights: a step of KD and PKD, or the sentence that refuses its head.

The default run takes a few of them; all: `make test-zoo`, or `pytest -m 'zoo or not zoo' tests/models/outputs/kinds/test_detector_zoo.py`.
"""

import copy
import gc

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from support.detection import raw, read
from support.detector_zoo import (
    MASKS,
    NOTES,
    OTHERS,
    REFUSED,
    REPRESENTATIVE,
    SIDES,
    UNBUILT,
    WALK,
    family,
    folder,
    narrow,
    table,
)
from support.runs import REPO

from mmkd_ext.registry import MODELS

pytestmark = [  # of mmdet and mmcv
    pytest.mark.det, pytest.mark.filterwarnings('ignore::DeprecationWarning'), pytest.mark.filterwarnings('ignore::UserWarning'),
    pytest.mark.filterwarnings('ignore::FutureWarning')]
LOSSES = dict(kd=dict(type='mmkd_ext.KDLoss'), pkd=dict(type='mmkd_ext.PKDLoss'))


@pytest.fixture(autouse=True)
def _no_networks_of_another_family():
    yield
    gc.collect()


def cases():
    for head, configs in WALK.items():
        for config in configs:
            yield pytest.param(head, config, marks=[] if config in REPRESENTATIVE else [pytest.mark.zoo, pytest.mark.slow], id=config)


def distilled(config):
    """A distiller of two networks of one config, and a batch for it."""
    model, side = narrow(config), SIDES.get(config, 128)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        distiller = MODELS.build(dict(
            type='mmkd_ext.OfflineDistiller', student=model, teacher=dict(model=copy.deepcopy(model), checkpoint=None, allow_random=True),
            losses=LOSSES, input_size=side))  # fmt: skip
        stock = MODELS.build(copy.deepcopy(model))
    for network in (distiller.student, distiller.teachers['teacher'].network):
        network.init_weights()
    stock.load_state_dict(distiller.student.state_dict())
    boxes = [[[4, 6, 30, 34], [10, 10, side - 8, side - 10]], [[20, 10, 44, 50]]]
    return distiller, stock, raw(torch.Generator().manual_seed(0), ((side, side),) * 2, boxes, config.split('/')[1].startswith(MASKS))


def losses_of(network, inputs, samples):
    torch.manual_seed(1)
    return network.train()(inputs, copy.deepcopy(samples), mode='loss')


def numbers(terms):
    return {key: [float(x.detach()) for x in (value if isinstance(value, list) else [value])] for key, value in terms.items()}


def calls_of(module):
    """How often its backbone runs, counted from now on."""
    calls = []
    module.backbone.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize(('head', 'config'), list(cases()))
def test_a_step_is_trained_or_refused_in_a_sentence(head, config):
    MessageHub.get_instance(config).update_info('iter', 0)  # BoxInst asks for it
    assert narrow(config).bbox_head.type == head
    if head in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[head]) as error:
            distiller, _, data = distilled(config)
            distiller.train()(*read(distiller, data), mode='loss')
        assert head in str(error.value) and str(error.value).endswith('.')
        return
    distiller, stock, data = distilled(config)
    inputs, samples = read(distiller, data)
    teacher = distiller.teachers['teacher'].network
    calls = [calls_of(network) for network in (distiller.student, teacher)]
    terms = losses_of(distiller, inputs, samples)
    assert [len(each) for each in calls] == [1, 1]
    own, said = numbers(losses_of(stock, inputs, samples)), numbers(terms)
    assert {key: said[key] for key in own} == own
    seen = distiller.reader.train(inputs, copy.deepcopy(samples), distiller.data_preprocessor)
    assert len(seen.target) == len(seen.outputs.logits) == len(seen.outputs.embedding) > 0
    assert set(seen.target.tolist()) <= {0, 1} and seen.outputs.logits.shape[1] - distiller.num_classes in (0, 1)
    weights = [x for x in distiller.student.backbone.parameters() if x.requires_grad]
    for name in LOSSES:
        assert 0 < said[f'loss_{name}'][0] < float('inf')
        found = torch.autograd.grad(terms[f'loss_{name}'], weights, retain_graph=True, allow_unused=True)
        assert any(x is not None and x.any() and x.isfinite().all() for x in found), name
    assert all(x.grad is None and not x.requires_grad for x in teacher.parameters())


@pytest.mark.parametrize(
    'config', [pytest.param(x, marks=[] if x.startswith('solo/') else [pytest.mark.zoo, pytest.mark.slow]) for x in OTHERS])
def test_a_detector_of_no_kind_is_refused_as_student_and_as_teacher(config):
    other, known = narrow(config), narrow('retinanet/retinanet_r18_fpn_1x_coco')
    for student, teacher in ((other, known), (known, other)):
        spec = dict(type='mmkd_ext.OfflineDistiller', student=student, teacher=dict(model=teacher, checkpoint=None, allow_random=True))
        with DefaultScope.overwrite_default_scope('mmdet'), pytest.raises(ValueError, match=OTHERS[config]):
            MODELS.build(dict(spec, losses=LOSSES, input_size=128))


@pytest.mark.zoo
@pytest.mark.slow
def test_the_walk_names_every_family_with_boxes_and_no_regions():
    found = set()
    for path in sorted(folder().glob('*/**/*.py')):
        name = str(path.relative_to(folder()))
        if '_base_' in name or family(name) == 'sort':  # what its configs inherit from is not there
            continue
        try:
            model = Config.fromfile(path).get('model', {})
        except FileNotFoundError:
            assert family(name) == 'bytetrack'
            continue
        foreign, model = model.get('type') == 'Detectron2Wrapper', model.get('detector', model)
        if foreign or 'bbox_head' in model and 'roi_head' not in model:
            found.add((family(name), model.get('bbox_head', {}).get('type')))
    walked = {(family(config), head) for head, configs in WALK.items() for config in configs}
    assert {name for name, _ in found - walked} == set(UNBUILT) and walked <= found


def test_the_page_says_what_the_walk_knows():
    text = (REPO / 'configs/README.md').read_text(encoding='utf-8')
    assert text.split('<!-- detector-zoo -->\n')[1].split('\n<!-- /detector-zoo -->')[0] == table()
    section = text.split("## Which detectors of mmdet's zoo work")[1]
    known = {*(family(config) for configs in WALK.values() for config in configs), *UNBUILT}
    works = {family(config) for head, configs in WALK.items() if head not in REFUSED for config in configs}
    assert f'{len(works)} of {len(known)} families' in section
    assert {*REFUSED, *NOTES} <= set(WALK) and not set(REFUSED) & set(NOTES)
    assert REPRESENTATIVE | set(SIDES) <= {config for configs in WALK.values() for config in configs}
