"""A hook that looks for a part of the model finds it, or is refused before the run and not at the epoch of its switch."""

import copy

import pytest
from mmdet.engine.hooks import MeanTeacherHook, SetEpochInfoHook, YOLOXModeSwitchHook
from mmengine.hooks import EMAHook
from mmpretrain.engine.hooks import PreciseBNHook, SetAdaptiveMarginsHook, SwitchRecipeHook, WarmupParamHook
from support import mutual, offline
from support.detection import pair
from support.distillation_runs import extra
from support.runs import one_error, one_thread, write_config

from mmkd_ext.commands import train
from mmkd_ext.preflight.hook_needs import missing_part

SMOOTH = dict(type='LabelSmoothLoss', label_smooth_val=0.5, num_classes=5)
LOSS = [dict(action_epoch=90, loss=SMOOTH)]
AUGMENTS = [dict(action_epoch=90, batch_augments=None)]


@pytest.mark.parametrize(('hook', 'needed'), [
    (SwitchRecipeHook(copy.deepcopy(LOSS)), 'loss_module or head.loss_module'),
    (SetAdaptiveMarginsHook(), 'head.num_classes'),
    (SetEpochInfoHook(), 'set_epoch'),
    (WarmupParamHook('loss_weight', 'head.loss_module', 2), 'head.loss_module.loss_weight'),
    (MeanTeacherHook(), 'teacher'),
    (YOLOXModeSwitchHook(), 'detector.bbox_head or bbox_head'),
])
def test_networks_that_train_together_have_no_single_part(hook, needed):
    said = missing_part(hook, mutual.distiller())
    assert said == (
        f'{type(hook).__name__} needs a model with {needed}, got MutualLearningDistiller, which is several networks. '
        'Leave it out of custom_hooks.')


@pytest.mark.parametrize('hook', [
    SwitchRecipeHook(copy.deepcopy(AUGMENTS)), PreciseBNHook(), EMAHook(),
    WarmupParamHook('loss_weight', 'networks.a.head.loss_module', 2)])
def test_what_works_on_all_networks_or_on_a_named_one_is_taken(hook):
    assert missing_part(hook, mutual.distiller()) is None


def test_a_students_parts_are_found_and_those_that_it_has_not_are_named():
    model = offline.distiller()
    for hook in (SwitchRecipeHook(copy.deepcopy(LOSS)), SetAdaptiveMarginsHook(), WarmupParamHook('bias', 'head.fc', 2)):
        assert missing_part(hook, model) is None
    timm = offline.distiller(student=offline.TIMM)
    assert missing_part(WarmupParamHook('momentum', 'model.bn1', 2), timm) is None
    assert missing_part(SwitchRecipeHook(copy.deepcopy(LOSS)), timm) is None
    assert 'model with head.nobody.x, got OfflineDistiller. ' in missing_part(WarmupParamHook('x', 'head.nobody', 2), model)
    assert 'model with teacher, got OfflineDistiller' in missing_part(MeanTeacherHook(), model)


def test_a_detectors_parts_are_found_and_those_that_it_has_not_are_named():
    model = pair()
    assert missing_part(WarmupParamHook('loss_weight', 'roi_head.bbox_head.loss_cls', 2), model) is None
    for hook in (YOLOXModeSwitchHook(), SetEpochInfoHook()):
        assert 'got TwoStageDistiller. ' in missing_part(hook, model)
        assert missing_part(hook, model.student)  # nor has the student alone


def test_a_run_is_refused_before_it_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path) + "custom_hooks = [dict(type='mmdet.MeanTeacherHook')]\n"
    with one_thread():
        code = train.main([str(write_config(tmp_path, text)), '--work-dir', 'work'])
    assert code == 2
    assert 'MeanTeacherHook needs a model with teacher, got OfflineDistiller' in one_error(capsys.readouterr().err)
    assert not list((tmp_path / 'work').glob('*.pth'))
