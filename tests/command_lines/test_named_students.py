"""Students named in a few words train, resume, are tested and exported by the commands."""

import pytest
from support.runs import losses, one_thread, write_config

from mmkd_ext.commands import export_student, test, train

_CONFIG = """
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=dict(model={name!r}, num_classes=10), channel_order='rgb',
    teacher=dict(model='cifar/resnet8', num_classes=10, checkpoint=None, allow_random=True), losses=dict(kd=dict(type='mmkd_ext.KDLoss')))
train_dataloader = dict(dataset=dict(size=32))
val_dataloader = dict(dataset=dict(size=32))
test_dataloader = dict(dataset=dict(size=32))
train_cfg = dict(max_epochs={epochs})
param_scheduler = dict(milestones=[9])
"""


@pytest.mark.parametrize('name', ['torchvision/shufflenet_v2_x0_5', 'timm/test_resnet'])
def test_a_student_by_its_name_trains_resumes_is_tested_and_exported(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    one, two = (str(write_config(tmp_path, _CONFIG.format(name=name, epochs=epochs))) for epochs in (1, 2))
    with one_thread():
        for config, flags in ((one, ['--work-dir', 'work']), (two, ['--work-dir', 'work', '--resume']), (two, ['--work-dir', 'whole'])):
            assert train.main([config, *flags]) == 0, capsys.readouterr().err
    first, resumed = losses(tmp_path / 'work')
    (whole,) = losses(tmp_path / 'whole')
    assert {**first, **resumed} == whole and min(resumed) > max(first)
    assert export_student.main([two, 'work/epoch_2.pth', 'out.pth']) == 0, capsys.readouterr().err
    scores = []
    for config, checkpoint in ((two, 'work/epoch_2.pth'), ('out.py', 'out.pth')):
        capsys.readouterr()
        assert test.main([config, checkpoint, '--work-dir', 'tested']) == 0, capsys.readouterr().err
        said = capsys.readouterr().out
        scores.append(next(line.split('accuracy/top1: ')[1].split()[0] for line in said.splitlines() if 'accuracy/top1: ' in line))
    assert scores[0] == scores[1]
