"""A config of this package is found by name from any folder, by our commands, by `_base_` and by mmengine.hub."""

import os
from pathlib import Path

import mmengine.hub
import pytest
from mmengine.config import Config
from mmengine.registry import MODELS, VISUALIZERS, DefaultScope
from support.runs import REPO

from mmkd_ext.commands import mmkd
from mmkd_ext.config.load_config import load_config
from mmkd_ext.config.packaged_configs import config_file, known_configs
from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.study_plan import load_plan, variant_config
from mmkd_ext.models.zoo.sources import zoo_config

NAME = 'teskd/r18_cifar100.py'


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_folder_that_mim_reads_is_a_link_to_the_checkout_and_no_copy():
    mim = REPO / 'mmkd_ext/.mim'
    assert {path.name for path in mim.iterdir()} == {'configs', 'tools', 'model-index.yml'}
    assert all(path.is_symlink() and not os.path.isabs(path.readlink()) and path.resolve() == REPO / path.name for path in mim.iterdir())


@pytest.mark.parametrize('name', [f'mmkd_ext::{NAME}', f'configs/{NAME}'])
def test_our_commands_read_it_from_any_folder(elsewhere, name):
    cfg = load_config(name)
    assert cfg.to_dict() == Config.fromfile(REPO / f'configs/{NAME}').to_dict() and Path(cfg.filename).samefile(REPO / f'configs/{NAME}')


def test_a_file_of_the_working_folder_goes_before_the_package_s(elsewhere):
    Path('configs/teskd').mkdir(parents=True)
    Path(f'configs/{NAME}').write_text('mine = 1\n')
    assert load_config(f'configs/{NAME}').to_dict() == {'mine': 1} and 'model' in load_config(f'mmkd_ext::{NAME}')


def test_the_hub_and_a_base_read_it_from_any_folder(elsewhere):
    wanted = Config.fromfile(REPO / f'configs/{NAME}')
    assert mmengine.hub.get_config(f'mmkd_ext::{NAME}').to_dict() == wanted.to_dict()
    Path('mine.py').write_text(f"_base_ = 'mmkd_ext::{NAME}'\ntrain_cfg = dict(max_epochs=7)\n")
    cfg = load_config('mine.py')
    wanted.train_cfg.max_epochs = 7
    assert cfg.to_dict() == wanted.to_dict()  # and no `_scope_` that an exported config would need this package for


@pytest.mark.parametrize(('name', 'scope'), [(NAME, 'mmpretrain'), ('nd_loss_det/kdpp_narrow_r18_r18_digit_scenes.py', 'mmdet')])
def test_mmengine_builds_what_is_inherited_from_a_packaged_config_without_our_commands(elsewhere, name, scope):
    Path('mine.py').write_text(f"_base_ = 'mmkd_ext::{name}'\n")
    cfg = Config.fromfile('mine.py')
    assert cfg.model._scope_ == cfg.visualizer._scope_ == 'mmkd_ext'
    if scope == 'mmdet':
        pytest.importorskip('mmcv._ext')
        cfg.model.teacher.update(checkpoint=None, allow_random=True)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model, visualizer = MODELS.build(cfg.model), VISUALIZERS.build({**cfg.visualizer, 'vis_backends': None, 'name': name})
    network = getattr(model, 'student', model)
    assert {type(each).__module__.partition('.')[0] for each in (network, network.backbone, visualizer)} <= {scope, 'mmkd_ext'}
    assert type(network).__module__.startswith(scope) and type(visualizer).__module__.startswith(scope)


def test_a_config_of_the_zoos_is_read_by_its_name(elsewhere):
    assert load_config('mmpretrain::resnet/resnet18_8xb32_in1k.py').model.backbone.depth == 18


def test_a_study_and_a_teacher_named_by_a_packaged_config_are_found_from_any_folder(elsewhere):
    plan = load_plan('mmkd_ext::teskd/study_digits.py')
    for name, variant in plan.variants.items():
        assert load_config(str(variant_config(variant, elsewhere / name))).model.type == 'ImageClassifier'
    cfg, address = zoo_config('mmkd_ext::nd_loss/teacher_resnet56_cifar100.py')  # without published weights
    assert cfg.model.backbone.depth == 56 and address is None
    assert zoo_config('configs/nd_loss/teacher_resnet56_cifar100.py')[0].model.backbone.depth == 56


@pytest.mark.parametrize('name', ['mmkd_ext::teskd/r18_cifar10.py', 'configs/teskd/r18_cifar10.py', 'r18_cifar10'])
def test_a_name_that_leads_to_nothing_names_a_close_one_in_a_form_that_works(elsewhere, name):
    with pytest.raises(PreflightError, match='which is not there; did you mean mmkd_ext::teskd/r18_cifar100.py'):
        load_config(name)


@pytest.mark.parametrize('name', [
    'nobody::a/b.py', '::', 'mmkd_ext::', '__main__::a/b.py', 'mmkd_ext::teskd', 'a::b::c', 'x\0::y', '../x.py', ''])
def test_a_strange_name_comes_back_as_it_is(elsewhere, name):
    assert config_file(name) == name
    with pytest.raises(PreflightError, match='A config file is needed'):
        load_config(name)


def test_every_config_that_is_proposed_is_there(elsewhere):
    known = known_configs()
    assert len(known) > 200 and all(os.path.isfile(config_file(name)) for name in known.values())
    assert 'mmkd_ext::teskd/r18_digits.py' in mmkd.help_text() and known['r18_digits'] == 'mmkd_ext::teskd/r18_digits.py'
