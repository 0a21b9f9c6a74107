"""A name is found in our registries, with our prefix or, in our scope, as one of mmpretrain's or mmdet's."""

import mmengine.registry
import pytest
from mmengine.registry import DefaultScope, Registry

from mmkd_ext.registry import DATASETS, FUNCTIONS, HOOKS, METRICS, MODELS, OPTIM_WRAPPERS, ZooRegistry

ROOTS = {name: root for name, root in vars(mmengine.registry).items() if isinstance(root, Registry) and root.parent is None}


def test_every_root_of_mmengine_has_a_registry_of_ours():
    assert len(ROOTS) > 20
    assert {name: type(root.children.get('mmkd_ext')) for name, root in ROOTS.items()} == dict.fromkeys(ROOTS, ZooRegistry)


@pytest.mark.parametrize(('registry', 'name'), [
    (MODELS, 'KDLoss'), (MODELS, 'OfflineDistiller'), (HOOKS, 'ClassMeansHook'), (DATASETS, 'Digits'), (FUNCTIONS, 'whole_batches'),
    (OPTIM_WRAPPERS, 'CPUAmpOptimWrapper')])  # fmt: skip
def test_a_type_of_ours_is_found_from_everywhere_by_its_prefix(registry, name):
    found = registry.get(name)
    assert found is not None and found.__module__.startswith('mmkd_ext.')
    assert registry.parent.get(f'mmkd_ext.{name}') is registry.get(f'mmkd_ext.{name}') is found
    for scope in ('mmpretrain', 'mmdet'):
        if scope in registry.parent.children:
            assert registry.parent.children[scope].get(f'mmkd_ext.{name}') is found


def test_a_name_without_a_prefix_that_is_none_of_ours_is_mmpretrains():
    assert MODELS.get('LeNet5').__module__.startswith('mmpretrain.')
    assert METRICS.get('Accuracy').__module__.startswith('mmpretrain.')
    assert MODELS.get('BN').__module__.startswith('torch.')  # of mmengine's root


@pytest.mark.det
@pytest.mark.parametrize('scope', ['mmpretrain', 'mmdet'])
def test_of_a_name_that_both_have_it_is_that_of_the_runs_scope(scope):
    with DefaultScope.overwrite_default_scope(scope), DefaultScope.overwrite_default_scope('mmkd_ext'):
        assert MODELS.get('CrossEntropyLoss').__module__.startswith(f'{scope}.')
        assert MODELS.get('FasterRCNN').__module__.startswith('mmdet.')
        assert MODELS.get('ImageClassifier').__module__.startswith('mmpretrain.')


def test_a_name_of_mmseg_is_found_and_in_its_scope_goes_first():
    pytest.importorskip('mmseg', reason='of the extra seg')
    assert MODELS.get('EncoderDecoder').__module__.startswith('mmseg.')
    with DefaultScope.overwrite_default_scope('mmseg'), DefaultScope.overwrite_default_scope('mmkd_ext'):
        assert MODELS.get('CrossEntropyLoss').__module__.startswith('mmseg.')
        assert MODELS.get('ImageClassifier').__module__.startswith('mmpretrain.')


def test_a_zoo_that_cannot_be_imported_is_passed_over(monkeypatch):
    monkeypatch.setattr('mmkd_ext.registry._ZOOS', ('no_such_zoo', 'mmpretrain'))
    assert MODELS.get('LeNet5').__module__.startswith('mmpretrain.')


def test_a_name_that_nobody_has_is_none():
    assert MODELS.get('NoSuchNetwork') is None and HOOKS.get('mmkd_ext.NoSuchHook') is None
