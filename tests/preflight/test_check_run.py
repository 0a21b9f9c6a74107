"""Runs that cannot work end in one sentence before they start: what was needed, what was got, where to look."""

import random
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from support.runs import REPO, one_error, write_config

from mmkd_ext.commands import train
from mmkd_ext.datasets.listed_data import infos_of
from mmkd_ext.preflight import class_counts
from mmkd_ext.preflight.check_run import _of_the_whole, check_train


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(capsys, config, *flags) -> str:
    """The sentence of a run that ended before its first iteration."""
    assert train.main([str(config), '--work-dir', 'work', *flags]) == 2
    assert not list(Path('work').rglob('*.pth'))
    return one_error(capsys.readouterr().err)


_NO_DATA = """train_dataloader = dict(dataset=dict(
    _delete_=True, type='{type}', data_root='absent', split='train', pipeline=_base_.train_pipeline))"""
_TESKD = """model = dict(
    backbone=dict(out_indices={stages}),
    neck=dict(_delete_=True, type='mmkd_ext.TESKDNeck', in_channels={channels}),
    head=dict(_delete_=True, type='mmkd_ext.TESKDHead', num_classes=10, in_channels=32))"""

BAD_CONFIGS = {
    'a depth that a backbone does not have': (
        'model = dict(backbone=dict(depth=19))',
        ['invalid depth 19', "type='ResNet_CIFAR'"],
    ),
    'a misspelt backbone': (
        "model = dict(backbone=dict(type='ResNet_CIFARR'))",
        ["'ResNet_CIFARR'", 'Did you mean ResNet_CIFAR'],
    ),
    'a misspelt type of ours': (
        "model = dict(neck=dict(type='mmkd_ext.TESKDNek'))",
        ['Did you mean mmkd_ext.TESKDNeck'],
    ),
    'a misspelt optimizer': ("optim_wrapper = dict(optimizer=dict(type='SDG'))", ["'SDG'", 'SGD']),
    'a misspelt hook': ("default_hooks = dict(timer=dict(type='IterTimerHok'))", ['IterTimerHook']),
    'an argument that a type does not take': (
        'model = dict(backbone=dict(deph=18))',
        ["'deph'", "type='ResNet_CIFAR'"],
    ),
    'no CIFAR-100': (_NO_DATA.format(type='CIFAR100'), ['cifar-100-python.tar.gz', 'absent', 'URLError']),
    'no ImageNet': (_NO_DATA.format(type='ImageNet'), ['ImageNet', 'absent', 'train_dataloader.dataset']),
    'too few classes': (
        'model = dict(head=dict(num_classes=7))',
        ['0..6', 'got 0..9', 'model.head.num_classes'],
    ),
    'in_channels of a stock head': ('model = dict(head=dict(in_channels=33))', ['model.head.fc', '33']),
    'one stage': (_TESKD.format(stages=(3,), channels=(32,)), ['two or more stages']),
    'in_channels of our neck': (_TESKD.format(stages=(2, 3), channels=(17, 32)), ['17', '16', 'model.neck']),
}


@pytest.mark.parametrize(('extra', 'said'), BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_a_config_that_cannot_work_is_one_sentence(tmp_path, capsys, monkeypatch, extra, said):
    monkeypatch.setattr('urllib.request.urlopen', no_network)
    text = refused(capsys, write_config(tmp_path, extra))
    assert [part for part in said if part not in text] == [], text


def no_network(*args, **kwargs):
    from urllib.error import URLError

    raise URLError('Name or service not known')


def test_a_config_that_is_not_there_names_its_neighbours(capsys, monkeypatch):
    monkeypatch.chdir(REPO)
    path = 'configs/teskd/r18_digitz.py'
    monkeypatch.setattr(
        Path, 'rglob', lambda self, pattern: [Path('configs/teskd/r18_digits.py'), Path('configs/dskd/other.py')]
    )
    assert train.main([path]) == 2
    text = one_error(capsys.readouterr().err)
    assert path in text and 'did you mean configs/teskd/r18_digits.py?' in text


@pytest.mark.parametrize(
    'content',
    [
        'model = dict(',
        "_base_ = ['absent.py']",
        'model = undefined',
        'import absent_package\nabsent_package.x',
        'value = 1',
    ],
)
def test_a_config_that_does_not_parse_names_the_file(tmp_path, capsys, content):
    (tmp_path / 'broken.py').write_text(content)
    assert 'broken.py' in refused(capsys, 'broken.py')


def test_a_work_dir_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / 'file').write_text('in the way')
    assert train.main([str(write_config(tmp_path)), '--work-dir', 'file/work']) == 2
    text = one_error(capsys.readouterr().err)
    assert 'file/work' in text and 'Not a directory' in text and '--work-dir' in text


@pytest.mark.parametrize(
    ('damage', 'said'),
    [(lambda path: path.write_bytes(path.read_bytes()[:100]), 'cut short'), (Path.unlink, 'not there')],
)
def test_a_checkpoint_to_resume_from_that_cannot_be_read_is_one_sentence(tmp_path, capsys, damage, said):
    torch.save(dict(state_dict={}, meta={}, message_hub={}), 'epoch_1.pth')
    damage(Path('epoch_1.pth'))
    text = refused(capsys, write_config(tmp_path), '--resume', 'epoch_1.pth')
    assert 'epoch_1.pth' in text and said in text


def test_options_that_do_not_fit_the_config_are_named(tmp_path, capsys):
    text = refused(capsys, write_config(tmp_path), '--cfg-options', 'train_dataloader.dataset.pipeline.9.type=X')
    assert '--cfg-options' in text


def test_a_folder_instead_of_a_config_is_named(tmp_path, capsys):
    assert 'is a folder' in refused(capsys, tmp_path)


_DIGITS = "dict(type='mmkd_ext.Digits', split='train', size=8, pipeline=_base_.train_pipeline)"


@pytest.mark.parametrize(
    'wrapper',
    [
        f"type='RepeatDataset', times=2, dataset={_DIGITS}",
        f"type='ConcatDataset', datasets=[{_DIGITS}, {_DIGITS}]",
        f"type='ClassBalancedDataset', oversample_thr=0.5, dataset={_DIGITS}",
    ],
    ids=lambda text: text.split("'")[1],
)
def test_labels_of_the_host_s_wrappers_are_read(tmp_path, capsys, wrapper):
    data = f'train_dataloader = dict(dataset=dict(_delete_=True, {wrapper}))'
    text = refused(capsys, write_config(tmp_path, f'model = dict(head=dict(num_classes=7))\n{data}'))
    assert 'got 0..9' in text and wrapper.split("'")[1] in text


def test_a_good_run_is_left_as_it_was(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path))
    cfg.work_dir = 'work'
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.collate_fn = dict(type='default_collate')
    runner = Runner.from_cfg(cfg)
    weights = {name: value.clone() for name, value in runner.model.state_dict().items()}
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    check_train(runner)
    assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert all(torch.equal(value, weights[name]) for name, value in runner.model.state_dict().items())


def test_labels_of_wrapped_and_of_large_data_are_read(monkeypatch):
    monkeypatch.setattr(class_counts, 'infos_of', partial(infos_of, limit=10))
    head = torch.nn.Module()
    head.num_classes = 3
    model = torch.nn.Module()
    model.head = head
    labels = [0] * 60 + [3] * 40

    class Data:
        def __len__(self):
            return len(labels)

        def get_data_info(self, index):
            return dict(gt_label=labels[index])

    with pytest.raises(ValueError, match=r'0\.\.2.*got 0\.\.3 from Data'):
        class_counts.check_labels(model, Data(), 'train')
    head.num_classes = 4
    class_counts.check_labels(model, Data(), 'train')


def test_a_study_may_ask_for_a_number_of_one_network_of_an_ensemble():
    model = torch.nn.Module()
    model.networks = torch.nn.ModuleDict(dict(first=torch.nn.Identity(), second=torch.nn.Identity()))
    asked = ['first/coco/bbox_mAP', 'coco/bbox_mAP', 'third/coco/bbox_mAP', 'first/coco/bbox_map']
    assert [_of_the_whole(name, model) for name in asked] == ['coco/bbox_mAP', 'coco/bbox_mAP', 'third/coco/bbox_mAP', 'coco/bbox_map']
    assert _of_the_whole('first/coco/bbox_mAP', torch.nn.Identity()) == 'first/coco/bbox_mAP'
