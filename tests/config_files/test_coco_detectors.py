"""COCO pages of dense and query detectors: mmdet's recipe, teachers of its index, and a step of narrow networks."""

import copy
from functools import cache

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from support.dense import BOXES, SIZES
from support.detection import CLASSES, raw
from support.detector_zoo import folder, narrowed
from support.runs import REPO
from support.unscoped import bare

from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.models.zoo.sources import source_of
from mmkd_ext.registry import MODELS

PAGES = {path.stem: path for name in ('dense', 'query') for path in sorted((REPO / 'configs' / name).glob('*_coco_*.py'))}
DISTILLED = [stem for stem in PAGES if stem.split('_')[0] in ('kd', 'kdpp', 'pkd', 'ld', 'crosskd')]
ALONE = {  # a page of a student -> the recipe of mmdet
    'atss_r50_coco_1x': 'atss/atss_r50_fpn_1x_coco', 'deformable_detr_r50_coco_50e': 'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    'dino_r50_coco_12e': 'dino/dino-4scale_r50_8xb2-12e_coco', 'fcos_r50_coco_1x': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
    'gfl_r18_coco_1x': 'ld/ld_r18-gflv1-r101_fpn_1x_coco', 'gfl_r50_coco_1x': 'gfl/gfl_r50_fpn_1x_coco',
    'retinanet_r18_coco_1x': 'retinanet/retinanet_r18_fpn_1x_coco', 'retinanet_r50_coco_1x': 'retinanet/retinanet_r50_fpn_1x_coco',
    'rtmdet_tiny_coco_300e': 'rtmdet/rtmdet_tiny_8xb32-300e_coco'}  # fmt: skip
QUICK = {'pkd_retinanet_r50_gfl_r101_coco_1x', 'kd_fcos_r50_r101_coco_1x', 'pkd_rtmdet_tiny_m_coco_300e'}  # steps of the default run
pytestmark = [  # of mmdet and mmcv
    pytest.mark.det, pytest.mark.filterwarnings('ignore:torch.meshgrid'), pytest.mark.filterwarnings('ignore::DeprecationWarning'),
    pytest.mark.filterwarnings('ignore::UserWarning')]


@cache
def page(stem: str) -> Config:
    return Config.fromfile(PAGES[stem])


def test_every_page_is_one_of_a_student_or_distils_it():
    assert sorted(PAGES) == sorted([*ALONE, *DISTILLED]) and QUICK <= set(DISTILLED)


@pytest.mark.parametrize('stem', ALONE)
def test_a_student_alone_is_mmdet_s_recipe(stem):
    cfg, stock = page(stem), get_config(f'mmdet::{ALONE[stem]}.py')
    if stem != 'gfl_r18_coco_1x':  # mmdet has it as the student of its own distiller; test_dense compares the parts
        assert bare(cfg.model) == bare(stock.model)
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'train_pipeline', 'test_pipeline', 'val_evaluator'):
        assert bare(cfg[key]) == bare(stock[key]), key
    assert bare(cfg.get('custom_hooks', [])) == bare(stock.get('custom_hooks', []))
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert {**bare(cfg[key]), 'persistent_workers': True} == bare(stock[key]) and not cfg[key].persistent_workers
    ours = Config.fromfile(REPO / 'configs/_base_/default_runtime_det.py')
    assert bare(cfg.custom_imports) == bare(ours.custom_imports)
    for key, hook in bare(ours.default_hooks).items():
        if hook['type'].startswith('mmkd_ext.') or key == 'checkpoint':
            assert {**bare(cfg.default_hooks)[key], 'interval': hook.get('interval')} == {'interval': None, **hook}, key  # RTMDet: every 10


@pytest.mark.parametrize('stem', DISTILLED)
def test_a_distilled_page_is_its_student_s_with_a_teacher_whose_weights_mmdet_lists(stem):
    cfg = page(stem)
    same = [name for name in ALONE if page(name).model == plain_model(cfg.model)]
    assert len(same) == 1
    student, _, schedule = same[0].partition('_coco')
    assert stem.partition('_')[2].startswith(student) and stem.endswith(f'_coco{schedule}')
    hooks = [dict(type='mmkd_ext.ClassMeansHook')] if 'nd' in cfg.model.losses else []
    assert cfg.get('custom_hooks', []) == [*page(same[0]).get('custom_hooks', []), *hooks]
    rest = [{key: value for key, value in each.to_dict().items() if key not in ('model', 'custom_hooks')} for each in (cfg, page(same[0]))]
    assert rest[0] == rest[1]
    assert set(cfg.model.losses) == dict(kdpp={'kd', 'nd'}).get(stem.split('_')[0], {stem.split('_')[0]})
    name = cfg.model.teacher.removeprefix('mmdet::')
    listed = yaml.safe_load((folder() / name).parent.joinpath('metafile.yml').read_text(encoding='utf-8'))['Models']
    weights = [each['Weights'] for each in listed if each.get('Config') == f'configs/{name}']
    assert len(weights) == 1 and weights[0].endswith('.pth')


@pytest.mark.zoo
@pytest.mark.slow
@pytest.mark.parametrize('name', sorted({page(stem).model.teacher for stem in DISTILLED}))
def test_the_weights_of_a_teacher_are_those_that_mmdet_lists(name):
    path = name.removeprefix('mmdet::')
    listed = yaml.safe_load((folder() / path).parent.joinpath('metafile.yml').read_text(encoding='utf-8'))['Models']
    address = source_of(dict(model=name), 'teacher').address
    assert [each['Weights'] for each in listed if each.get('Config') == f'configs/{path}'] == [address]


@pytest.mark.parametrize(
    'stem', [pytest.param(stem, marks=[] if stem in QUICK else [pytest.mark.zoo, pytest.mark.slow]) for stem in DISTILLED])
def test_a_step_of_narrow_networks_is_trained(stem):
    cfg = copy.deepcopy(page(stem))
    model = dict(cfg.model, student=narrowed(cfg.model.student), input_size=128, teacher=dict(
        model=narrowed(get_config(cfg.model.teacher).model), checkpoint=None, allow_random=True))  # fmt: skip
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        distiller = MODELS.build(model)
        optim = build_optim_wrapper(distiller, cfg.optim_wrapper)
    for network in (distiller.student, distiller.teachers['teacher'].network):
        network.init_weights()
    if 'nd' in distiller.distill:
        loss, means = distiller.distill['nd'], torch.Generator().manual_seed(2)
        loss.set_class_means(torch.rand(CLASSES, loss.widths[1], generator=means) + 0.1)
    before = {name: x.detach().clone() for name, x in distiller.named_parameters()}
    terms = distiller.train().train_step(raw(torch.Generator().manual_seed(1), SIZES, BOXES), optim)
    said = {name: float(terms[f'loss_{name}'].detach()) for name in distiller.distill}
    assert all(0 < value < float('inf') for value in said.values()), said
    assert float(terms['loss'].detach()) >= sum(said.values())
    moved = {name.split('.')[1] for name, x in distiller.named_parameters() if not torch.equal(x, before[name])}
    assert {'backbone', 'neck', 'bbox_head'} <= moved
