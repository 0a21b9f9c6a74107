"""The pages of configs/mapped on a folder of small squares: the teacher's classes are mapped by themselves, and a step trains."""

import pytest
import torch
from mmengine.config import Config
from PIL import Image
from support.runs import REPO

from mmkd_ext.commands import train
from mmkd_ext.evaluation.study_plan import load_plan
from mmkd_ext.models.teachers.label_space import LabelSpace

IDS = ('n01440764', 'n02102040', 'n02979186', 'n03000684', 'n03028079', 'n03394916', 'n03417042', 'n03425413', 'n03445777', 'n03888257')
PLACES = [[0], [217], [482], [491], [497], [566], [569], [571], [574], [701]]  # in ImageNet's order
SHORT = [
    'train_cfg.max_epochs=1', 'train_cfg.val_interval=1', 'param_scheduler=None', 'train_dataloader.batch_size=10',
    'train_dataloader.num_workers=0', 'val_dataloader.num_workers=0', 'default_hooks.logger.interval=1']


@pytest.fixture
def imagenette(tmp_path, monkeypatch):
    rng = torch.Generator().manual_seed(0)
    for split in ('train', 'val'):
        for name in IDS:
            (tmp_path / 'data' / split / name).mkdir(parents=True)
            pixels = torch.randint(256, (144, 144, 3), generator=rng, dtype=torch.uint8).numpy()
            Image.fromarray(pixels).save(tmp_path / 'data' / split / name / 'a.png')
    monkeypatch.setenv('MMKD_IMAGENETTE', str(tmp_path / 'data'))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(('stem', 'teachers'), [
    ('kd_narrow_resnet18_lite0_imagenette', ['model.teacher']),
    ('kd_narrow_resnet18_two_teachers_imagenette', ['model.teacher.teachers.0', 'model.teacher.teachers.1'])])
def test_a_teacher_of_imagenet_says_what_it_knows_of_the_ten_classes(imagenette, monkeypatch, capsys, stem, teachers):
    found = []
    monkeypatch.setattr(LabelSpace, '_mapped', lambda self, *args, real=LabelSpace._mapped: found.append(self.groups) or real(self, *args))
    random = [f'{teacher}.{setting}' for teacher in teachers for setting in ('checkpoint=None', 'allow_random=True', 'input_size=64')]
    assert train.main([f'{REPO}/configs/mapped/{stem}.py', '--work-dir', 'work', '--cfg-options', *SHORT, *random]) == 0
    said = capsys.readouterr()
    assert (said.out + said.err).count('10 of its 1000 classes are mapped to 10') == len(teachers)
    assert found and all(groups == PLACES for groups in found)


def test_a_teacher_of_the_ten_classes_needs_no_mapping(imagenette, capsys):
    random = ['model.teacher.checkpoint=None', 'model.teacher.allow_random=True']
    page = f'{REPO}/configs/mapped/kd_narrow_resnet18_resnet18_imagenette.py'
    assert train.main([page, '--work-dir', 'work', '--cfg-options', *SHORT, *random]) == 0
    said = capsys.readouterr()
    assert 'classes are mapped' not in said.out + said.err
    plan = load_plan(REPO / 'configs/mapped/study_imagenette.py')
    teacher = Config.fromfile(REPO / plan.teachers.resnet18.config)
    assert teacher.model.head.num_classes == 10
    assert Config.fromfile(page).model.teacher.checkpoint.endswith(f'epoch_{teacher.train_cfg.max_epochs}.pth')
