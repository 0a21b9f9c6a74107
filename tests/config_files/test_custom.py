"""An image folder with the two lines of configs/custom/_base_/images.py changed: teacher, KD, KD++ and export run."""

import re
import shutil
from pathlib import Path

import cv2
import mmpretrain
import numpy as np
import pytest
import torch
from mmengine.config import Config
from support.runs import REPO

from mmkd_ext.commands import export_student, train

SMALL = ['train_dataloader.batch_size=4', 'val_dataloader.batch_size=2', 'train_cfg.max_epochs=1', 'randomness.seed=0']
SMALL += [f'{part}_dataloader.num_workers=0' for part in ('train', 'val', 'test')]
SMALL += ['train_dataloader.dataset.pipeline.1.scale=32', 'train_dataloader.sampler.shuffle=True']
SMALL += [f'{part}_dataloader.dataset.pipeline.{place}={size}' for part in ('val', 'test') for place, size in (
    ('1.scale', 36), ('2.crop_size', 32))]  # fmt: skip
PLACE = "data_root = 'data/my_images'"


def image_folder(root: Path, classes: int) -> None:
    rng = np.random.default_rng(0)
    for part, count in (('train', 2), ('val', 1)):
        for label in range(classes):
            folder = root / part / f'class_{label}'
            folder.mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, 40, (40, 48, 3), dtype=np.uint8)
                image[..., label % 3] += 40 * (label // 3 + 1)
                cv2.imwrite(str(folder / f'{i}.png'), image)


def test_the_readme_shows_the_two_lines_as_they_are():
    readme = (REPO / 'configs/custom/README.md').read_text(encoding='utf-8')
    body = (REPO / 'configs/custom/_base_/images.py').read_text(encoding='utf-8').split('"""')[2].strip().splitlines()
    assert body[0].startswith(PLACE) and body[1] == 'num_classes = 3'
    assert f'```python\n{body[0]}\n{body[1]}\n```' in readme


@pytest.mark.parametrize('classes', [2, 7])
def test_the_number_of_classes_reaches_every_place(tmp_path, classes):
    folder = edited(tmp_path, classes)
    for name in ('teacher_finetune', 'kd', 'kdpp'):
        cfg = Config.fromfile(folder / f'{name}.py')
        model = cfg.model.get('student', cfg.model)
        assert model.head.num_classes == cfg.data_preprocessor.num_classes == classes
        assert {cfg[f'{part}_dataloader'].dataset.data_root for part in ('train', 'val', 'test')} == {'images'}
        if name != 'teacher_finetune':
            teacher = Config.fromfile(cfg.model.teacher.model)
            assert teacher.model.head.num_classes == classes
            epoch = teacher.train_cfg.max_epochs  # the file that the teacher's run leaves
            assert cfg.model.teacher.checkpoint == f'work_dirs/teacher_finetune/epoch_{epoch}.pth'


def edited(tmp_path: Path, classes: int) -> Path:
    """A copy of the configs with the two lines changed."""
    shutil.copytree(REPO / 'configs/custom', tmp_path / 'configs/custom')
    shutil.copytree(REPO / 'configs/_base_', tmp_path / 'configs/_base_')
    base = tmp_path / 'configs/custom/_base_/images.py'
    text = base.read_text().replace(PLACE, "data_root = 'images'")
    base.write_text(re.sub(r'^num_classes = 3$', f'num_classes = {classes}', text, flags=re.M))
    return tmp_path / 'configs/custom'


def test_teacher_kd_and_kdpp_train_and_export_on_an_image_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image_folder(tmp_path / 'images', 4)
    edited(tmp_path, 4)
    assert train.main(['configs/custom/teacher_finetune.py', '--cfg-options', *SMALL, 'model.backbone.init_cfg=None']) == 0
    options = [*SMALL, 'model.student.backbone.init_cfg=None', 'model.teacher.checkpoint=work_dirs/teacher_finetune/epoch_1.pth']
    for name in ('kd', 'kdpp'):
        config = f'configs/custom/{name}.py'
        assert train.main([config, '--cfg-options', *options]) == 0
        out = f'{name}.pth'
        assert export_student.main([config, f'work_dirs/{name}/epoch_1.pth', out]) == 0
        student = mmpretrain.get_model(f'{name}.py', pretrained=out).eval()
        assert student(torch.zeros(2, 3, 64, 64)).shape == (2, 4)
        assert type(student.backbone).__name__ == 'MobileNetV2' and not hasattr(student, 'distill')
