"""Every config of TESKD builds, trains a step and ships the plain network; the recipes are the paper's."""

import ast
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample
from support.runs import REPO
from support.unfilled import unfilled
from torch import nn

from mmkd_ext.benchmark.steps import deployed_size
from mmkd_ext.models.build import build_model, input_shape
from mmkd_ext.models.necks import TESKDNeck
from mmkd_ext.models.plain_config import plain_config

FOLDER = REPO / 'configs/teskd'
CONFIGS = {path.stem: path for path in sorted(FOLDER.glob('*.py')) if not path.stem.startswith('study_')}
CIFAR = [name for name in CONFIGS if name.endswith('_cifar100')]
IMAGENET = [name for name in CONFIGS if name.endswith('_imagenet')]
HELPERS = ('neck.', 'head.students.')


@pytest.fixture(scope='module', autouse=True)
def silence() -> Iterator[None]:
    """`init_weights` outside a runner says a line for every parameter."""
    # A new one: the last test's may write to a file that is closed.
    logger = MMLogger.get_instance('test_configs')
    level = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(level)


@pytest.fixture(scope='module', params=CONFIGS)
def built(request) -> tuple[Config, nn.Module]:
    """A config and its model with initial weights; one config after another."""
    cfg = Config.fromfile(CONFIGS[request.param])
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    model = build_model(cfg)
    model.init_weights()
    return cfg, model


def shape_of(cfg: Config) -> tuple[int, int, int]:
    """What the config feeds its network, but 64 px instead of ImageNet's 224."""
    channels, height, _ = _own_shape(cfg.filename)
    return channels, min(height, 64), min(height, 64)


@cache
def _own_shape(path: str) -> tuple[int, int, int]:
    with unfilled():
        return input_shape(Config.fromfile(path))  # builds the network


def test_the_paper_s_networks_are_all_here():
    cifar = {f'{kind}{depth}_cifar100' for kind in ('r', 'se_r', 'rx') for depth in (18, 34, 50)}
    assert {*cifar, 'vgg16_cifar100', 'vgg19_cifar100'} == set(CIFAR) - {'narrow_r18_cifar100'}  # of a study that fits a CPU
    assert {'r18_imagenet', 'r34_imagenet', 'r50_imagenet', 'timm_regnety_004_imagenet'} <= set(IMAGENET)
    assert {'r18_digits', 'r18_fashion_mnist'} <= set(CONFIGS)


def test_a_step_trains_every_parameter_of_it(built, rng):
    cfg, model = built
    images = torch.randn(2, *shape_of(cfg), generator=rng)
    samples = [DataSample().set_gt_label(label) for label in (1, cfg.model.head.num_classes - 1)]
    model.train()
    terms = model(images, samples, mode='loss')
    total = sum(value for name, value in terms.items() if 'loss' in name)
    total.backward()
    assert {'loss_ce', 'loss_kl', 'loss_feature'} == {name for name in terms if 'loss' in name}
    assert all(torch.isfinite(terms[name]) and terms[name] > 0 for name in terms if 'loss' in name)
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    assert all(p.grad.isfinite().all() for p in model.parameters())
    students = [f'accuracy_student{i + 1}_top-1' for i in range(len(model.head.students))]
    assert {'accuracy_top-1', *students} <= set(terms)
    model.zero_grad()
    model.eval()


def test_what_is_deployed_is_exactly_the_plain_network(built):
    cfg, model = built
    plain_cfg = plain_config(cfg)
    with unfilled():
        plain = build_model(plain_cfg)
    names = [type(part).__module__.split('.')[0] for part in (plain.neck, plain.head)]
    assert names == ['mmpretrain', 'mmpretrain']
    mine = {key: value.shape for key, value in model.state_dict().items() if not key.startswith(HELPERS)}
    assert mine == {key: value.shape for key, value in plain.state_dict().items()}
    shape = shape_of(cfg)
    with torch.device('meta'):  # which counts them without computing; no later test asks for the model's values
        (parameters, operations), of_model = (deployed_size(each.to('meta'), shape) for each in (plain, model))
    assert of_model == (parameters, operations)
    assert parameters == sum(p.numel() for p in plain.parameters()) and operations > 1e5
    written = Config.fromstring(plain_cfg.pretty_text, '.py')
    assert written.model == plain_cfg.model  # the file beside the export says the same


def test_students_hang_on_every_stage_with_the_paper_s_losses(built):
    cfg, model = built
    assert len(model.head.students) == len(model.neck.branches) == len(cfg.model.neck.in_channels) - 1 == 3
    assert model.neck.branch_strides == ((4, 2, 1) if 'VGG' in cfg.model.backbone.type else (8, 4, 2))
    head = model.head
    assert (head.tau, head.ce_weight, head.kl_weight, head.feature_weight) == (4.0, 0.2, 0.8, 1e-7)
    assert head.detach_teacher is False


@pytest.mark.parametrize('name', CIFAR)
def test_the_cifar_recipe_is_the_paper_s(name):
    cfg = Config.fromfile(CONFIGS[name])
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    assert set(cfg.optim_wrapper) == {'type', 'optimizer'}  # the weight decay is on everything
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 128
    assert cfg.train_cfg.by_epoch and cfg.train_cfg.max_epochs == 200
    assert cfg.param_scheduler == dict(type='MultiStepLR', by_epoch=True, milestones=[100, 150], gamma=0.1)
    crop, flip, pack = cfg.train_dataloader.dataset.pipeline
    assert (crop.type, crop.crop_size, crop.padding) == ('RandomCrop', 32, 4)
    assert (flip.type, flip.prob, flip.direction) == ('RandomFlip', 0.5, 'horizontal')
    assert pack.type == 'PackInputs' and [t.type for t in cfg.test_dataloader.dataset.pipeline] == ['PackInputs']
    normalisation = cfg.data_preprocessor
    assert normalisation.mean == pytest.approx([255 * m for m in (0.4914, 0.4822, 0.4465)])
    assert normalisation.std == pytest.approx([255 * s for s in (0.2023, 0.1994, 0.2010)])
    assert cfg.train_dataloader.dataset.type == 'mmkd_ext.CIFAR100' and cfg.train_dataloader.dataset.split == 'train'
    assert cfg.test_dataloader.dataset.split == 'test' and cfg.train_dataloader.sampler.shuffle
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == 100


@pytest.mark.parametrize('name', IMAGENET)
def test_the_imagenet_recipe_has_the_paper_s_images_and_batch_and_the_standard_schedule(name):
    cfg = Config.fromfile(CONFIGS[name])
    assert cfg.train_dataloader.batch_size == 128 and cfg.model.head.num_classes == 1000
    train, test = ({t.type: t for t in cfg[f'{part}_dataloader'].dataset.pipeline} for part in ('train', 'test'))
    assert train['RandomResizedCrop'].scale == 224 and train['RandomFlip'].prob == 0.5
    assert (test['ResizeEdge'].scale, test['ResizeEdge'].edge, test['CenterCrop'].crop_size) == (256, 'short', 224)
    assert cfg.train_cfg.max_epochs == 100 and cfg.param_scheduler.milestones == [30, 60, 90]
    # The standard rate, 0.1 for a batch of 256, scaled linearly.
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(0.1 * 128 / 256) and cfg.auto_scale_lr.base_batch_size == 128


def state_before_and_after_init(name: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    model = build_model(Config.fromfile(CONFIGS[name]))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.init_weights()
    return before, model.state_dict()


@pytest.mark.parametrize('name', ['r18_cifar100', 'r18_digits'])
def test_cifar_resnets_start_as_pytorch_starts_them(name):
    before, after = state_before_and_after_init(name)
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_the_imagenet_resnet_starts_with_kaiming_in_the_backbone_alone():
    before, after = state_before_and_after_init('r18_imagenet')
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {key for key in before if key.startswith('backbone.') and before[key].ndim == 4}
    weight = after['backbone.layer4.1.conv2.weight']
    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)


@pytest.mark.parametrize(('name', 'students'), [('r18_cifar100', '25.83'), ('vgg16_cifar100', '9.55')])
def test_the_students_have_the_paper_s_size(name, students):
    with unfilled():
        model = build_model(Config.fromfile(CONFIGS[name]))
    helpers = sum(p.numel() for key, p in model.named_parameters() if key.startswith(HELPERS))
    assert f'{helpers / 1e6:.2f}' == students
    if name == 'r18_cifar100':
        assert sum(p.numel() for p in model.parameters()) - helpers == 11_220_132


def test_students_as_wide_as_a_bottleneck_s_output_would_be_what_the_configs_say():
    with torch.device('meta'):
        neck = TESKDNeck((256, 512, 1024, 2048))
    assert round((sum(p.numel() for p in neck.parameters()) + 3 * 2049 * 100) / 1e6) == 411
    for name in CONFIGS:
        if '50_' in name:
            cfg = Config.fromfile(CONFIGS[name])
            assert cfg.model.neck.channels == 512 and cfg.model.neck.in_channels[-1] == 2048
            told = header(CONFIGS[name])
            assert '512' in told and ('411 M' in told or 'r50_cifar100.py' in told)


def header(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ''


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.py')), ids=lambda path: path.stem)
def test_a_config_says_what_it_is_and_how_to_run_it(path):
    assert len(header(path)) > 40
    assert re.search(rf'tools/\w+\.(?:py|sh) configs/teskd/{path.name}', header(path))
    for other in re.findall(r'\b(\w+\.py)\b', header(path)):
        assert [*REPO.glob(f'configs/**/{other}'), *REPO.glob(f'tools/{other}')] != []
    if path.stem in (*CIFAR, *IMAGENET):
        assert 'Not run here' in header(path)


@pytest.mark.parametrize('path', sorted(FOLDER.glob('study_*.py')), ids=lambda path: path.stem)
def test_a_study_compares_configs_that_exist_with_one_budget(path):
    study = Config.fromfile(path).study
    assert study.metric == 'accuracy/top1' and len(set(study.seeds)) == len(study.seeds) > 0
    assert {bool(variant.get('plain')) for variant in study.variants.values()} == {True, False}
    assert len({variant.config for variant in study.variants.values()}) == 1
    assert all((REPO / variant.config).is_file() for variant in study.variants.values())
