"""Students named in a few words train, resume, are tested and exported by the commands."""

import pytest
from support.runs import TEST, TRAIN, losses, run, write_config

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
def test_a_student_by_its_name_trains_resumes_is_tested_and_exported(name, tmp_path):
    one, two = (write_config(tmp_path, _CONFIG.format(name=name, epochs=epochs)) for epochs in (1, 2))
    for config, flags in ((one, ['--work-dir', 'work']), (two, ['--work-dir', 'work', '--resume']), (two, ['--work-dir', 'whole'])):
        ended = run(TRAIN, config, *flags, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    first, resumed = losses(tmp_path / 'work')
    (whole,) = losses(tmp_path / 'whole')
    assert {**first, **resumed} == whole and min(resumed) > max(first)
    tools = TRAIN.parent
    ended = run(tools / 'export_student.py', two, 'work/epoch_2.pth', 'out.pth', cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    scores = []
    for config, checkpoint in ((two, 'work/epoch_2.pth'), ('out.py', 'out.pth')):
        ended = run(TEST, config, checkpoint, '--work-dir', 'tested', cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        scores.append(next(line.split('accuracy/top1: ')[1].split()[0] for line in ended.stdout.splitlines() if 'accuracy/top1: ' in line))
    assert scores[0] == scores[1]
