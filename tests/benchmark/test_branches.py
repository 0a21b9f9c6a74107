"""A student with its branches: what is timed, and that a distiller's step is compared with it."""

import json

import pytest
import torch
from mmengine.config import Config
from mmpretrain.structures import DataSample
from support.runs import REPO, write_config

from mmkd_ext.benchmark.branches import StudentWithBranches
from mmkd_ext.benchmark.sum_of_parts import distiller_parts
from mmkd_ext.commands import benchmark as tool
from mmkd_ext.models import recording

DIGITS = REPO / 'configs/dskd/dskd_resnet8_resnet20x2_digits.py'


@pytest.fixture(scope='module')
def parts():
    torch.manual_seed(0)
    return distiller_parts(Config.fromfile(DIGITS))


def test_its_step_trains_the_student_and_every_branch_and_asks_the_teacher_once(parts, rng):
    model = parts['student with branches'].train()
    assert list(parts) == ['student', 'student with branches', 'teacher', 'ours', 'ours, bf16 teacher']
    assert model.student is parts['student'] and list(model.distill) == ['dskd']
    seen = []
    teacher = parts['ours'].teachers['teacher'].network
    hook = teacher.register_forward_hook(lambda _, args, out: seen.append(len(args[0])))
    images, samples = torch.randn(4, 3, 16, 16, generator=rng), [DataSample().set_gt_label(i) for i in range(4)]
    for _ in range(2):
        model.zero_grad()
        terms = model(images, samples, mode='loss')
        sum(terms.values()).backward()
    model(images[:2], samples[:2], mode='loss')
    hook.remove()
    assert set(terms) == {'loss', 'loss_dskd'} and seen == [4, 2]
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    with recording(model.student) as record:
        own = model.student.loss(images, samples)['loss']
    logits, maps = parts['ours'].distill.dskd.supervised(record.outputs(), parts['ours'].teachers['teacher'](images))
    torch.testing.assert_close(terms['loss_dskd'], sum(x.mean() for x in (*logits, *maps)))
    torch.testing.assert_close(terms['loss'], own)
    assert len(logits) == len(maps) == 2


def test_outside_of_training_it_is_the_student(parts, rng):
    model, images = parts['student with branches'].eval(), torch.randn(2, 3, 16, 16, generator=rng)
    torch.testing.assert_close(model(images), model.student(images))
    assert not any('teacher' in key for key in model.state_dict())


def test_the_sum_has_the_student_with_its_branches(tmp_path):
    out = tmp_path / 'figures.json'
    config = write_config(tmp_path, f'model = dict(_delete_=True, **{Config.fromfile(DIGITS).model.to_dict()!r})')
    arguments = ['--out', str(out), '--rounds', '2', '--batch-size', '4', '--device', 'cpu', '--precision', 'float32']
    assert tool.main([str(config), *arguments]) == 0
    rows = {row['network']: row['all'] for row in json.loads(out.read_text())}
    for total, *each in zip(rows['sum'], rows['student with branches'], rows['teacher'], strict=True):
        assert total == pytest.approx(sum(each))


def test_a_loss_without_branches_adds_nothing(parts):
    cfg = Config.fromfile(DIGITS)
    del cfg.model.losses.dskd
    assert 'student with branches' not in distiller_parts(cfg)
    assert isinstance(parts['student with branches'], StudentWithBranches)
