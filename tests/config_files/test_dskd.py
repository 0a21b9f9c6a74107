"""Every config of configs/dskd has the recipe and options that it says, builds, and takes a step; its student is plain."""

import ast
import re
from functools import cache

import pytest
import torch
import yaml
from mmengine.config import Config
from support.config_steps import check_a_step, load, random_network
from support.runs import REPO
from torch import nn

from mmkd_ext.evaluation.study_plan import load_plan, variant_config
from mmkd_ext.losses.adapter import Adapter
from mmkd_ext.losses.dskd_branches import MapRegressor, conv_norm_relu
from mmkd_ext.losses.layer_weights import STRATEGIES

FOLDER = REPO / 'configs/dskd'
CONFIGS = {p.stem: p for p in sorted(FOLDER.glob('*.py')) if not p.stem.startswith('study')}
STUDIES = ('study_digits', 'study_fashion_mnist')
README = (FOLDER / 'README.md').read_text(encoding='utf-8')
SLOW_START = ('mobilenetv2', 'shufflenetv2')
# student, teacher -> the supervised maps of the student at 32 px (of TinyImageNet: at 64), and where the teacher's config is
CIFAR = {
    ('resnet8x4', 'resnet32x4'): ('64x32x32 128x16x16', 'nd_loss'),
    ('shufflenetv2', 'resnet32x4'): ('116x16x16 232x8x8', 'nd_loss'),
    ('vgg8', 'vgg13'): ('128x16x16 256x8x8 512x4x4', 'dskd'),
    ('mobilenetv2', 'vgg13'): ('12x16x16 16x8x8 48x4x4', 'dskd'),
    ('wrn16_2', 'wrn40_2'): ('32x32x32 64x16x16', 'nd_loss'),
    ('resnet20', 'resnet56'): ('16x32x32 32x16x16', 'nd_loss'),
    ('mobilenetv2', 'resnet50'): ('12x16x16 16x8x8 48x4x4', 'nd_loss'),
}
TINY = {
    ('resnet18', 'resnet34'): ('64x64x64 128x32x32 256x16x16', 'dskd'),
    ('vgg8', 'vgg13'): ('128x32x32 256x16x16 512x8x8', 'dskd'),
    ('mobilenetv2', 'resnet34'): ('12x32x32 16x16x16 48x8x8', 'dskd'),
}
PAIRS = [(s, t, 'cifar100', 'b64_cifar100', *rest) for (s, t), rest in CIFAR.items()]
PAIRS += [(s, t, 'tiny_imagenet', 'tiny_imagenet', *rest) for (s, t), rest in TINY.items()]
each_pair = pytest.mark.parametrize('pair', PAIRS, ids=lambda pair: '_'.join(pair[:3]))


@cache
def config(stem: str) -> Config:
    return Config.fromfile(CONFIGS[stem])


def side(stem: str) -> int:
    sides = {'digits': 16, 'fashion_mnist': 28, 'cifar100': 32, 'imagenet': 64, 'imagenet_20': 64}
    return next(size for ending, size in sides.items() if stem.endswith(ending))


@pytest.fixture(autouse=True)
def shared_teachers(monkeypatch):
    monkeypatch.setattr('mmkd_ext.models.teachers.frozen_teacher.build_network', lambda spec: random_network(repr(dict(spec))))


class NarrowRegressor(Adapter):
    """As a `MapRegressor` but for its middle: to 2048 channels that holds 150 million weights, which shows nothing more."""

    def __init__(self, in_channels, out_channels, norm_cfg):
        super().__init__(
            *conv_norm_relu(in_channels, 64, 1, 1, norm_cfg), *conv_norm_relu(64, 64, 3, 1, norm_cfg), nn.Conv2d(64, out_channels, 1))


@pytest.fixture
def light_regressors(monkeypatch):
    monkeypatch.setattr(
        'mmkd_ext.losses.dskd_head.MapRegressor',
        lambda in_channels, out_channels, norm_cfg: (NarrowRegressor if out_channels > 512 else MapRegressor)(
            in_channels, out_channels, norm_cfg))


@pytest.mark.usefixtures('light_regressors')
@pytest.mark.parametrize('stem', CONFIGS)
def test_it_builds_and_takes_a_step_and_its_student_is_a_plain_network(stem):
    cfg = load(CONFIGS[stem])
    if 'teacher' in cfg.model:
        cfg.model.input_size = side(stem)
    channels = cfg.model.get('student', cfg.model).get('backbone', {}).get('in_channels', 3)
    model = check_a_step(cfg, side(stem), channels)
    if stem.startswith('dskd'):
        layers = len(model.distill.dskd.layers)
        assert layers == len(model.distill.dskd.branches) == len(model.distill.dskd.regressors) >= 2


@pytest.mark.usefixtures('light_regressors')
@each_pair
def test_a_pair_is_the_student_alone_then_kd_then_dskd(pair):
    student, teacher, data, suffix, stages, folder = pair
    alone, kd = config(f'{student}_{suffix}'), config(f'kd_{student}_{teacher}_{suffix}')
    dskd = config(f'dskd_{student}_{teacher}_{data}')
    assert kd.model.student == alone.model and kd.model.losses == dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0))
    assert dskd.model.losses == dict(
        kd=kd.model.losses.kd, dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0))
    indices = dskd.model.student.backbone.pop('out_indices')
    assert dskd.model.student == kd.model.student and dskd.model.teacher == kd.model.teacher
    dskd.model.student.backbone.out_indices = indices
    for cfg in (kd, dskd):
        same = {key: value for key, value in cfg.items() if key not in ('model', 'work_dir')}
        assert same == {key: value for key, value in alone.items() if key not in ('model', 'work_dir')}
    checkpoint = f'work_dirs/teacher_{teacher}_{data}/epoch_240.pth'
    assert kd.model.teacher.checkpoint == checkpoint
    path = REPO / f'configs/{folder}/teacher_{teacher}_{data}.py'
    assert Config.fromfile(path).train_cfg.max_epochs == 240
    if folder == 'nd_loss':  # the same network and file as there
        there = next((REPO / 'configs/_base_/distillers').glob(f'*_{teacher}_cifar100.py'))
        assert Config.fromfile(there).model.teacher == kd.model.teacher
    cfg = load(CONFIGS[f'dskd_{student}_{teacher}_{data}'])
    cfg.model.input_size = side(data)
    from mmengine.registry import DefaultScope

    from mmkd_ext.registry import MODELS

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        table = MODELS.build(cfg.model).adapter_table
    assert [line.split()[3] for line in table.splitlines()[2:]] == 2 * stages.split()


@pytest.mark.parametrize('stem', [stem for stem in CONFIGS if stem.endswith(('cifar100', 'tiny_imagenet'))])
def test_the_recipe(stem):
    cfg = config(stem)
    lr = 0.01 if any(name in stem for name in SLOW_START) else 0.05
    optimizer = dict(cfg.optim_wrapper.optimizer)
    assert not optimizer.pop('nesterov', False)
    assert optimizer == dict(type='SGD', lr=lr, momentum=0.9, weight_decay=5e-4) and len(cfg.optim_wrapper) == 1
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 64
    assert cfg.train_cfg.by_epoch and cfg.train_cfg.max_epochs == 240
    assert cfg.param_scheduler == dict(type='MultiStepLR', by_epoch=True, milestones=[150, 180, 210], gamma=0.1)
    crop, flip, _ = cfg.train_dataloader.dataset.pipeline[-3:]
    tiny = stem.endswith('tiny_imagenet')
    assert (crop.crop_size, crop.padding, flip.prob) == ((64, 8, 0.5) if tiny else (32, 4, 0.5))
    assert cfg.data_preprocessor.num_classes == (200 if tiny else 100)


def test_the_seven_pairs_and_the_others_are_all_here_and_nothing_else():
    mine = {f'{kind}_{s}_{t}_{suffix if kind == "kd" else data}' for s, t, data, suffix, *_ in PAIRS for kind in ('kd', 'dskd')}
    mine |= {f'{s}_{suffix}' for s, _, _, suffix, *_ in PAIRS}
    mine |= {'teacher_vgg13_cifar100', 'teacher_vgg13_tiny_imagenet', 'teacher_resnet34_tiny_imagenet'}
    mine |= {f'{kind}_mobilenetv1_resnet50_a1_imagenet' for kind in ('kd', 'dskd')}
    mine |= {'dskd_resnet8_resnet20x2_digits', 'teacher_r18_fashion_mnist', 'dskd_r18_r18x2_fashion_mnist'}
    mine |= {f'{kind}narrow_resnet18_half_resnet18_tiny_imagenet_20' for kind in ('kd_', 'dskd_')}
    mine |= {'narrow_resnet18_tiny_imagenet_20', 'teacher_half_resnet18_tiny_imagenet_20'}
    assert len(CIFAR) == 7 and mine == set(CONFIGS)


def test_no_config_shares_its_name_and_so_its_work_dir_with_another_method_s():
    others = {p.stem for p in REPO.glob('configs/*/*.py') if p.parent.name not in ('dskd', '_base_')}
    assert set(CONFIGS) & others == set()


@pytest.mark.parametrize('study', STUDIES)
def test_a_study_has_the_five_parts_and_the_four_strategies_of_one_config(study, tmp_path):
    plan = load_plan(FOLDER / f'{study}.py')
    assert plan.seeds == [0, 1, 2, 3, 4] and len(plan.variants) == 8
    found = {}
    for name, variant in plan.variants.items():
        cfg = Config.fromfile(variant_config(variant, tmp_path / 'variant'))
        losses = cfg.model.get('losses', {})
        found[name] = [losses.kd.tau, *(losses.dskd.get(k, 'softmax') for k in ('alpha', 'beta', 'strategy'))] if losses else []
        rest = {k: v for k, v in cfg.to_dict().items() if k not in ('model', 'work_dir')}
        assert rest == found.setdefault('rest', rest)
    del found['rest']
    whole = [4.0, 1.0, 1.0]
    assert found == {
        'baseline': [], 'KD': [4.0, 0.0, 0.0, 'softmax'], 'KD + (a)': [4.0, 1.0, 0.0, 'softmax'],
        'KD + (b)': [4.0, 0.0, 1.0, 'softmax'], 'KD + (a) + (b)': [*whole, 'softmax'],
        'proportional weights': [*whole, 'proportional'], 'inverse softmax weights': [*whole, 'inverse_softmax'],
        'uniform weights': [*whole, 'uniform']}  # fmt: skip
    assert {each[3] for each in found.values() if each} == set(STRATEGIES)


def test_the_readme_says_first_that_this_is_a_reading_and_names_every_config():
    first = README.split('\n\n')[1]
    assert 'reading' in first and 'no code' in first
    for stem in CONFIGS:
        assert re.search(rf'\b{stem}\b', README), stem
    assert all(study in README for study in STUDIES)


def test_no_figure_of_a_run_stands_where_none_was_made():
    rows = [line.strip('|').split('|') for line in README.splitlines() if re.match(r'\| \w+_(cifar100|\w*imagenet) ', line)]
    assert len(rows) == len([s for s in CONFIGS if s.endswith(('cifar100', 'imagenet'))])
    assert {cells[-1].strip() for cells in rows} == {'not run'}


def test_the_metafile_lists_every_config():
    listed = yaml.safe_load((FOLDER / 'metafile.yml').read_text())['Models']
    assert {model['Config'] for model in listed} == {f'configs/dskd/{stem}.py' for stem in CONFIGS}
    measured = {model['Config'].rpartition('_')[2] for model in listed if 'Results' in model}
    assert measured == {'digits.py', 'mnist.py', '20.py'}  # the other configs were not run as they are


@pytest.mark.parametrize('stem', CONFIGS)
def test_a_config_says_what_it_is_and_how_to_run_it(stem):
    text = ast.get_docstring(ast.parse(CONFIGS[stem].read_text())) or ''
    assert re.search(rf'tools/(train\.py|dist_train\.sh) configs/dskd/{stem}\.py', text)
    assert stem.endswith(('digits', 'mnist', 'imagenet_20')) or 'Not run here' in text
    named = re.findall(r'(?:tools|configs)/[\w/]+\.(?:py|sh)', text)
    assert all((REPO / name).is_file() for name in named)


def test_twenty_classes_are_a_pair_alone_with_kd_and_with_dskd():
    alone, kd = config('narrow_resnet18_tiny_imagenet_20'), config('kd_narrow_resnet18_half_resnet18_tiny_imagenet_20')
    dskd, teacher = config('dskd_narrow_resnet18_half_resnet18_tiny_imagenet_20'), config('teacher_half_resnet18_tiny_imagenet_20')
    assert kd.model.student == alone.model and kd.model.teacher == dskd.model.teacher
    assert kd.model.losses.kd == dskd.model.losses.kd and [*dskd.model.losses] == ['kd', 'dskd']
    assert {cfg.data_preprocessor.num_classes for cfg in (alone, kd, dskd, teacher)} == {20}
    assert alone.model.head.num_classes == teacher.model.head.num_classes == 20
    assert kd.model.teacher.checkpoint.endswith(f'teacher_half_resnet18_tiny_imagenet_20/epoch_{teacher.train_cfg.max_epochs}.pth')
    for cfg in (kd, dskd):
        assert cfg.train_dataloader == alone.train_dataloader and cfg.param_scheduler == alone.param_scheduler
    plan = load_plan(FOLDER / 'study_tiny_imagenet_20.py')
    assert [*plan.variants] == ['alone', 'KD', 'KD + (b)', 'KD + (a) + (b)'] and plan.seeds == [0, 1, 2, 3, 4]


def test_tiny_imagenet_is_read_from_class_folders(tmp_path):
    from mmengine.registry import DATASETS, DefaultScope
    from PIL import Image

    for name, count in (('n01', 2), ('n02', 3)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.new('RGB', (64, 64), (40 * i, 0, 0)).save(tmp_path / name / f'{i}.JPEG')
    cfg = Config.fromfile(REPO / 'configs/_base_/datasets/tiny_imagenet.py').train_dataloader.dataset
    import mmpretrain.datasets  # noqa: F401

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(dict(cfg, data_root=str(tmp_path), data_prefix=''))
    assert dataset.by_batch and [int(x) for x in dataset.get_gt_labels()] == [0, 0, 1, 1, 1]
    assert dataset[4]['inputs'].shape == (3, 64, 64) and dataset[4]['inputs'].dtype == torch.uint8
