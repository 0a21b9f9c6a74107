"""A detector that follows a teacher of other classes, with the hooks of mmdet and mmengine that look into models, ends its run well."""

from pathlib import Path

import torch
from support.detection import build, tiny
from support.detector_runs import CONFIG, QUIET, run
from support.runs import REPO, losses

from mmkd_ext.commands import train

pytestmark = QUIET

_HOOKS = """
custom_hooks = [
    dict(type='mmkd_ext.ClassMeansHook'), dict(type='NumClassCheckHook'), dict(type='CheckInvalidLossHook', interval=1),
    dict(type='SyncNormHook'),
    dict(type='mmpretrain.WarmupParamHook', param_name='loss_weight', module_name='roi_head.bbox_head.loss_cls', warmup_epochs=2),
    dict(type='PipelineSwitchHook', switch_epoch=1, switch_pipeline=train_pipeline), dict(type='EMAHook')]
train_cfg = dict(val_interval=1)
"""


def test_hooks_and_a_teacher_of_other_classes(tmp_path):
    teacher = tiny(width=16, embedding=48, classes=5)
    torch.save(dict(state_dict=build(teacher, seed=5).state_dict()), tmp_path / 'teacher.pth')
    model = dict(
        type='mmkd_ext.TwoStageDistiller', student=tiny(), teacher=dict(model=teacher, checkpoint=str(tmp_path / 'teacher.pth')),
        losses=dict(nd=dict(type='mmkd_ext.NDLoss')), input_size=64)
    config = CONFIG.format(repo=REPO, folder=tmp_path, model=model)
    (tmp_path / 'base_detector.py').write_text(config)
    (tmp_path / 'hooked_detector.py').write_text(
        "_base_ = ['base_detector.py']\ntrain_pipeline = {{_base_.train_pipeline}}\n" + _HOOKS)
    run(train, tmp_path, 'hooked_detector.py', '--work-dir', 'work')
    assert sorted(losses(tmp_path / 'work')[0]) == [1, 2, 3, 4, 5, 6]
    (log,) = Path(tmp_path / 'work').glob('*/*.log')
    said = log.read_text()
    assert 'has 5 classes and the student 3: it is not validated' in said and 'teacher/coco' not in said
    assert said.count('Switch pipeline now!') == 1
