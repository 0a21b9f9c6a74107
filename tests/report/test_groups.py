"""Runs of one config over seeds are a group, and a group knows what it is."""

from pathlib import Path

import pytest
from mmengine.config import Config
from support.reported_runs import made_run
from support.runs import TESKD, write_config

from mmkd_ext.report.groups import (
    ALONE,
    DISTILLED,
    TEACHER,
    TRAINED,
    grouped,
    main_group,
    own_content,
    reference,
    teacher_specs,
)
from mmkd_ext.report.trained_runs import TrainedRun, find_runs

HEAD = dict(type='LinearClsHead', num_classes=3, in_channels=64)
NET = dict(type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'), head=HEAD)


def run(folder, model=NET, seed=0, **more):
    return TrainedRun(Path(folder), cfg=Config(dict(model=model, randomness=dict(seed=seed), work_dir=str(folder), **more)))


def taught_by(checkpoint):
    teacher = dict(model='cifar/resnet14', num_classes=3, checkpoint=checkpoint)
    return dict(type='mmkd_ext.OfflineDistiller', student=NET, teacher=teacher, losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))


def test_runs_that_differ_by_seed_and_folder_are_a_group():
    groups = grouped([run('a/kd/seed1', seed=1), run('a/plain/seed0', lr=2), run('a/kd/seed0')])
    assert [(group.name, [each.seed for each in group.runs]) for group in groups] == [('kd', [0, 1]), ('plain', [0])]


def test_a_teachers_checkpoint_of_the_seed_is_no_difference():
    one, two = (run(f'a/seed{i}', taught_by(f'/x/start_seed{i}/epoch_1.pth'), i) for i in (0, 1))
    assert own_content(one) == own_content(two) and len(grouped([one, two])) == 1
    assert len(grouped([one, run('a/seed1', taught_by('/x/other/epoch_1.pth'), 1)])) == 2


def test_teacher_student_alone_and_distilled_are_told_apart():
    wide = dict(NET, backbone=dict(type='mmkd_ext.CIFARResNet', depth=14))
    runs = [run('r/distil', taught_by(str(Path('r/big/epoch_1.pth')))), run('r/alone'), run('r/big', wide), run('r/third', NET | {'x': 1})]
    groups = grouped(runs)
    assert {group.name: group.role for group in groups} == {'distil': DISTILLED, 'alone': ALONE, 'big': TEACHER, 'third': TRAINED}
    assert main_group(groups).name == 'distil' and reference(groups).name == 'alone'
    assert {group.role for group in grouped(runs[1:3])} == {TRAINED}
    assert list(teacher_specs(runs[0])) == ['teacher'] and teacher_specs(runs[1]) == {}


def test_the_dumped_runs_of_a_distillation_are_two_groups(root):
    groups = grouped(find_runs([root]))
    assert {group.name: (group.role, len(group.runs)) for group in groups} == {'alone': (ALONE, 2), 'kd': (DISTILLED, 2)}


def test_a_network_with_students_beside_it_is_helped(tmp_path):
    made_run(tmp_path / 'work', write_config(tmp_path, TESKD), 0, [10.0], checkpoint=False)
    (group,) = grouped(find_runs([tmp_path / 'work']))
    assert group.role == DISTILLED and group.helped


def test_a_student_that_is_nowhere_is_a_group_with_a_problem():
    unknown = run('a', dict(type='mmkd_ext.OfflineDistiller', student='nowhere/net', teacher='timm/resnet18', losses={}))
    (group,) = grouped([unknown])
    assert group.role == TRAINED and group.plain is None and 'is not known' in unknown.problems[0]


@pytest.mark.parametrize('folders', [['a/x', 'b/x'], ['a/x', 'b/x', 'c/b/x']])
def test_names_differ(folders):
    groups = grouped([run(folder, lr=i) for i, folder in enumerate(folders)])
    assert len({group.name for group in groups}) == len(folders)


def test_the_student_alone_is_known_by_its_network_whatever_starts_it_feeds_it_or_reads_its_stages():
    student = dict(NET, type='mmpretrain.ImageClassifier', init_cfg=dict(type='Pretrained', checkpoint='x.pth'))
    student['backbone'] = dict(student['backbone'], out_indices=(0, 1, 2))
    taught = run('r/distil', dict(taught_by(None), student=student))
    alone = run('r/alone', dict(NET, data_preprocessor=dict(mean=[1.0] * 3), head=dict(HEAD, loss=dict(type='LabelSmoothLoss'))))
    deeper = run('r/deeper', dict(NET, backbone=dict(type='mmkd_ext.CIFARResNet', depth=14)))
    assert {group.name: group.role for group in grouped([taught, alone, deeper])} == {
        'distil': DISTILLED, 'alone': ALONE, 'deeper': TRAINED}
