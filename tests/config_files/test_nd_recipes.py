"""The cells of configs/nd_loss and the plain forms have the paper's weights and recipe; the README says which figures are whose."""

import ast
import re
from functools import cache

import pytest
import yaml
from mmengine.config import Config
from support.losses_beside import BESIDE
from support.runs import REPO

FOLDER = REPO / 'configs/nd_loss'
FOLDERS = ('nd_loss', 'kd', 'dkd', 'dist', 'reviewkd')
CONFIGS = {
    p.stem: p
    for name in FOLDERS for p in sorted((REPO / 'configs' / name).glob('*.py')) if not p.stem.startswith('study')}
CONFIGS = {stem: p for stem, p in CONFIGS.items() if stem not in BESIDE}  # of other papers
README = (FOLDER / 'README.md').read_text(encoding='utf-8')
SLOW_START = ('mobilenetv2', 'shufflenetv1', 'shufflenetv2')

# The paper's table of settings: KD++ kd, nd | DKD++ alpha, beta, nd | DIST++ kd, nd | ReviewKD++ kd, nd
CIFAR = {
    'resnet20_resnet56': '1.0 2.0 | 2.5 4.0 3.5 | 2.0 1.0 | 1.2 1.0',
    'resnet8x4_resnet32x4': '3.5 2.0 | 2.0 8.0 0.5 | 1.5 4.0 | 8.0 1.0',
    'wrn40_1_wrn40_2': '1.0 1.5 | 1.0 6.0 1.0 | 2.5 3.0 | 5.0 4.0',
    'mobilenetv2_resnet50': '3.0 0.5 | 0.5 8.0 1.0 | 7.0 1.0 | 6.0 2.0',
    'shufflenetv1_resnet32x4': '2.5 1.5 | 0.5 8.0 4.0 | 2.5 3.0 | 7.0 1.0',
    'shufflenetv2_resnet32x4': '4.0 0.5 | 0.5 6.0 0.5 | 3.0 4.0 | 8.0 1.5',
}
# KD++ kd, nd | DKD++ alpha, beta, nd | - | ReviewKD++ kd, nd
IMAGENET = {
    'resnet18_resnet34': '2.5 1.0 | 0.8 0.5 1.0 | | 1.0 3.0',
    'resnet18_resnet50': '4.0 1.0 | 0.6 0.5 2.0 | | 3.0 2.0',
    'resnet18_resnet101': '3.5 4.0 | 0.8 0.5 1.0 | | 3.0 1.0',
    'resnet18_resnet152': '4.0 2.0 | 1.0 1.0 1.0 | | 3.0 1.0',
    'mobilenetv1_resnet50': '4.0 1.0 | 0.8 1.0 1.0 | | 8.0 4.0',
    'resnet18_vit_small': '1.5 1.0 | 1.0 1.0 2.0 | |',
    'resnet18_vit_base': '2.0 1.0 | 1.4 0.5 2.0 | |',
}
# KD | DKD alpha, beta | DIST | ReviewKD: the field's, and the cell's own where the field has none
PLAIN = {
    'resnet20_resnet56': '0.9 | 1.0 2.0 | 2.0 | 0.6',
    'resnet8x4_resnet32x4': '0.9 | 1.0 8.0 | 1.5 | 5.0',
    'wrn40_1_wrn40_2': '0.9 | 1.0 6.0 | 2.5 | 5.0',
    'mobilenetv2_resnet50': '0.9 | 1.0 8.0 | 7.0 | 6.0',
    'shufflenetv1_resnet32x4': '0.9 | 1.0 8.0 | 2.5 | 5.0',
    'shufflenetv2_resnet32x4': '0.9 | 1.0 8.0 | 3.0 | 8.0',
}
# CIFAR-100: KD, KD++ | DKD, DKD++ | DIST, DIST++ | ReviewKD, ReviewKD++; teacher and student alone
CIFAR_TOP1 = {
    'resnet20_resnet56': '70.66 72.53 | 71.97 72.16 | 71.78 72.52 | 71.89 72.05 | 72.34 69.06',
    'wrn40_1_wrn40_2': '73.54 74.59 | 74.81 75.02 | 74.42 75.00 | 75.09 75.66 | 75.61 71.98',
    'resnet8x4_resnet32x4': '73.33 75.54 | 75.44 76.28 | 75.79 76.13 | 75.63 76.07 | 79.42 72.50',
    'mobilenetv2_resnet50': '67.65 70.10 | 70.35 70.82 | 69.17 69.80 | 69.89 70.45 | 79.34 64.60',
    'shufflenetv1_resnet32x4': '74.07 75.45 | 76.45 77.11 | 75.23 75.60 | 77.45 77.68 | 79.42 70.50',
    'shufflenetv2_resnet32x4': '74.45 76.42 | 77.07 77.49 | 76.08 76.64 | 77.78 77.93 | 79.42 71.82',
}
# KD++, DKD++, ReviewKD++
IMAGENET_TOP1 = {
    'resnet18_resnet34': '71.98 72.07 71.64',
    'resnet18_resnet50': '72.49 72.11 71.73',
    'resnet18_resnet101': '72.54 72.29 71.79',
    'resnet18_resnet152': '72.59 72.47 71.86',
    'mobilenetv1_resnet50': '72.77 72.63 72.96',
    'resnet18_vit_small': '71.46 71.33',
    'resnet18_vit_base': '71.84 71.69',
}
METHODS = ('kd', 'dkd', 'dist', 'reviewkd')
TYPES = dict(zip(METHODS, ('KDLoss', 'DKDLoss', 'DISTLoss', 'ReviewKDLoss'), strict=True))


@cache
def config(stem: str) -> Config:
    return Config.fromfile(CONFIGS[stem])


def cells(table: dict[str, str], suffix: str, data: str):
    """(stem, method, numbers) of every cell that a table has."""
    for pair, row in table.items():
        for method, cell in zip(METHODS, row.split('|'), strict=True):
            if cell.strip():
                yield f'{method}{suffix}_{pair}_{data}', method, [float(x) for x in cell.split()]


PAPER = [*cells(CIFAR, 'pp', 'cifar100'), *cells(IMAGENET, 'pp', 'imagenet')]
BASELINES = list(cells(PLAIN, '', 'cifar100')) + [
    (f'kd_{pair}_imagenet', 'kd', [0.5]) for pair in IMAGENET if 'vit' not in pair
]


def test_every_cell_is_here_and_nothing_that_no_table_has():
    assert [len(list(cells(t, 'pp', 'x'))) for t in (CIFAR, IMAGENET)] == [24, 15 + 4]
    networks = {pair.rsplit('_', 1)[0] if 'wrn' not in pair else 'wrn40_1' for pair in CIFAR}
    alone = {f'{network}_cifar100' for network in networks} | {'resnet8_cifar100', 'resnet18_imagenet', 'mobilenetv1_imagenet'}
    teachers = {f'teacher_{network}_cifar100' for network in ('resnet56', 'resnet32x4', 'wrn40_2', 'resnet50')}
    deit = {f'deit{pp}_deit_base_regnety_160_imagenet' for pp in ('', 'pp')}
    mine = {stem for stem, _, _ in (*PAPER, *BASELINES)} | alone | teachers | deit
    assert mine == {stem for stem in CONFIGS if not stem.endswith('_digits')}


@pytest.mark.parametrize(('stem', 'method', 'numbers'), PAPER + BASELINES, ids=lambda x: x if isinstance(x, str) else '')
def test_a_cell_has_its_weights_temperature_and_ramps(stem, method, numbers):
    cfg = config(stem)
    losses, imagenet, plus = cfg.model.losses, stem.endswith('imagenet'), f'{method}pp_' in stem
    assert losses.kd.type == f'mmkd_ext.{TYPES[method]}'
    found = [losses.kd.alpha, losses.kd.beta] if method == 'dkd' else [losses.kd.loss_weight]
    assert losses.kd.get('loss_weight', 1.0) == 1.0 or method != 'dkd'
    found += [losses.nd.loss_weight] if plus else []
    assert found == numbers and set(losses) == ({'kd', 'nd'} if plus else {'kd'})
    if method != 'reviewkd':
        assert losses.kd.tau == (1.0 if imagenet else 4.0)
        assert method != 'dist' or {'beta', 'gamma'}.isdisjoint(losses.kd)  # 1 and 1
    hooks = [(h.type, h.get('loss'), h.get('epochs')) for h in cfg.get('custom_hooks', [])]
    ramped = [] if (method, plus) == ('kd', False) else ['kd', 'nd'] if imagenet and method == 'dkd' else ['kd']
    ramps = [('mmkd_ext.LossWarmupHook', loss, 5 if imagenet else 20) for loss in ramped]
    assert hooks == ramps + ([('mmkd_ext.ClassMeansHook', None, None)] if plus else [])
    student = cfg.model.student
    labels = (student.get('loss') or student.get('head', {}).get('loss') or {}).get('loss_weight', 1.0)
    assert labels == (1.0 if (method, plus) != ('kd', False) else 0.5 if imagenet else 0.1)


@pytest.mark.parametrize('stem', [stem for stem, method, _ in PAPER + BASELINES if method == 'reviewkd'])
def test_review_follows_maps_before_their_relu_stage_by_stage(stem):
    cfg = config(stem)
    loss, options = cfg.model.losses.kd, cfg.model.teacher.options
    number = 4 if 'resnet50' in stem or 'imagenet' in stem else 3
    assert list(loss.teacher_stages) == list(range(number)) and len(loss.student_stages) == number
    assert (options if 'imagenet' in stem else options.backbone).pre_activation is True
    assert 'pre_activation' not in str(cfg.model.student)


@pytest.mark.parametrize('stem', [stem for stem in CONFIGS if stem.endswith('cifar100')])
def test_the_cifar_recipe(stem):
    cfg = config(stem)
    lr = 0.02 if any(name in stem for name in SLOW_START) else 0.1
    assert cfg.optim_wrapper == dict(
        optimizer=dict(type='SGD', lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4))
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 128
    assert cfg.train_cfg.by_epoch and cfg.train_cfg.max_epochs == 240
    assert cfg.param_scheduler == dict(type='MultiStepLR', by_epoch=True, milestones=[150, 180, 210], gamma=0.1)
    crop, flip, _ = cfg.train_dataloader.dataset.pipeline
    assert (crop.type, crop.crop_size, crop.padding, flip.prob) == ('RandomCrop', 32, 4, 0.5)
    assert cfg.data_preprocessor.mean == pytest.approx([255 * m for m in (0.5071, 0.4867, 0.4408)])
    assert cfg.data_preprocessor.std == pytest.approx([255 * s for s in (0.2675, 0.2565, 0.2761)])


@pytest.mark.parametrize('stem', [s for s in CONFIGS if s.endswith('imagenet') and 'deit' not in s])
def test_the_imagenet_recipe(stem):
    cfg = config(stem)
    assert cfg.optim_wrapper == dict(
        type='OptimWrapper', optimizer=dict(type='SGD', lr=0.2, momentum=0.9, nesterov=True, weight_decay=1e-4))
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 512
    assert cfg.train_cfg.max_epochs == 100
    assert cfg.param_scheduler == dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1)
    assert [t.type for t in cfg.train_dataloader.dataset.pipeline][1:3] == ['RandomResizedCrop', 'RandomFlip']


def test_deitpp_is_the_papers():
    cfg = config('deitpp_deit_base_regnety_160_imagenet')
    losses = cfg.model.losses
    assert (losses.kd.type, losses.kd.loss_weight) == ('mmkd_ext.HardKDLoss', 0.5)
    assert (losses.nd.type, losses.nd.loss_weight) == ('mmkd_ext.NDLoss', 1.5)
    assert [(h.get('loss'), h.get('epochs')) for h in cfg.custom_hooks] == [('kd', 5), (None, None)]
    assert {augment.type for augment in cfg.model.student.train_cfg.augments} == {'Mixup', 'CutMix'}
    assert cfg.train_cfg.max_epochs == 300 and cfg.optim_wrapper.optimizer.type == 'AdamW'
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 2048
    plain = config('deit_deit_base_regnety_160_imagenet')
    assert plain.model.losses == dict(kd=losses.kd) and plain.optim_wrapper == cfg.optim_wrapper


def rows() -> dict[str, tuple[str, str]]:
    """Config -> the paper's figure and ours, of all tables of the README."""
    found = {}
    for line in README.splitlines():
        parts = [part.strip() for part in line.strip('|').split('|')] if line.startswith('|') else []
        for i in range(0, len(parts) - 2, 3):
            if parts[i] in CONFIGS:
                found[parts[i]] = (parts[i + 1], parts[i + 2])
    return found


def test_the_readme_has_the_papers_figures_in_the_papers_column_and_not_run_in_ours():
    expected = {'resnet18_imagenet': '69.76', 'mobilenetv1_imagenet': '68.87',
                'deitpp_deit_base_regnety_160_imagenet': '83.6', 'deit_deit_base_regnety_160_imagenet': '83.4'}  # fmt: skip
    for pair, row in CIFAR_TOP1.items():
        *methods, alone = [cell.split() for cell in row.split('|')]
        for method, (plain, plus) in zip(METHODS, methods, strict=True):
            expected |= {f'{method}_{pair}_cifar100': plain, f'{method}pp_{pair}_cifar100': plus}
        student = 'wrn40_1' if 'wrn' in pair else pair.rsplit('_', 1)[0]
        teacher = pair.removeprefix(f'{student}_')
        expected |= {f'teacher_{teacher}_cifar100': alone[0], f'{student}_cifar100': alone[1]}
    for pair, row in IMAGENET_TOP1.items():
        expected |= {f'{m}pp_{pair}_imagenet': x for m, x in zip(('kd', 'dkd', 'reviewkd'), row.split(), strict=False)}
    expected |= {f'kd_{pair}_imagenet': 'not given' for pair in IMAGENET if 'vit' not in pair}
    expected |= {'kd_resnet18_resnet34_imagenet': '70.66', 'kd_mobilenetv1_resnet50_imagenet': '70.50'}
    table = rows()
    assert {stem: paper for stem, (paper, _) in table.items() if not stem.endswith('_digits')} == expected
    assert {ours for stem, (_, ours) in table.items() if stem in expected} == {'not run'}


def test_every_config_is_named_in_the_readme_and_listed_in_the_metafile():
    metafiles = {name: (REPO / 'configs' / name / 'metafile.yml').read_text() for name in FOLDERS}
    for stem, path in CONFIGS.items():
        folder = path.parent.name
        assert re.search(rf'\b{stem}\b', README) and f'Config: configs/{folder}/{stem}.py\n' in metafiles[folder], stem
    models = [model for text in metafiles.values() for model in yaml.safe_load(text)['Models']]
    measured = [model['Config'] for model in models if 'Results' in model]
    assert 'study_digits' in README and len(measured) == 9 and all(config.endswith('_digits.py') for config in measured)


@pytest.mark.parametrize('path', CONFIGS.values(), ids=CONFIGS)
def test_a_config_says_what_it_is_and_how_to_run_it(path):
    text = ast.get_docstring(ast.parse(path.read_text())) or ''
    if path.stem.endswith('_digits'):
        assert len(text) > 40
        return
    place = f'configs/{path.parent.name}/{path.name}'
    command = f'tools/train.py {place}', f'tools/dist_train.sh {place} 8'
    assert text.splitlines()[-1].removeprefix('python ') in command and 'Not run here' in text
    assert all((REPO / named).is_file() for named in re.findall(r'(?:tools|configs)/[\w/]+\.(?:py|sh)', text))
    code = path.read_text().split('"""')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 12  # a cell is a few lines
