"""A distiller's step beside the sum of its parts."""

import json

import pytest
import torch
from mmengine.config import Config
from support.distillation_runs import extra
from support.runs import write_config

from mmkd_ext.benchmark.steps import Timing, compare_steps
from mmkd_ext.benchmark.sum_of_parts import build_with_random_teachers, distiller_parts, sum_of
from mmkd_ext.commands import benchmark as tool


def test_a_distiller_is_compared_with_the_sum_of_its_parts(tmp_path, capsys):
    out, readme = tmp_path / 'figures.json', tmp_path / 'README.md'
    readme.write_text('<!-- cost -->\n<!-- /cost -->\n')
    text = extra(tmp_path)
    (tmp_path / 'teacher0.pth').unlink()  # times do not depend on weights
    config = write_config(tmp_path, text)
    arguments = ['--out', str(out), '--rounds', '2', '--batch-size', '4', '--device', 'cpu', '--precision', 'float32']
    assert tool.main([str(config), *arguments, '--readme', str(readme), '--marker', 'cost']) == 0
    rows = {row['network']: row for row in json.loads(out.read_text())}
    assert list(rows) == ['student', 'teacher', 'ours', 'ours, bf16 teacher', 'sum']
    for total, *parts in zip(*(rows[name]['all'] for name in ('sum', 'student', 'teacher')), strict=True):
        assert total == pytest.approx(sum(parts))
    assert rows['sum']['peak_mb'] == rows['student']['peak_mb'] + rows['teacher']['peak_mb']
    table = readme.read_text().split('\n\n')[1].removesuffix('\n<!-- /cost -->\n')
    assert table in capsys.readouterr().out and f'python tools/benchmark.py {config}' in readme.read_text()
    ratio = rows['ours']['seconds'] / rows['sum']['seconds']
    assert f'| ours | float32 | {rows["ours"]["seconds"]:.3f} | {ratio:.2f} | {ratio:.2f} |' in table


def test_the_parts_of_a_distiller_run_without_gradients_for_the_teacher(tmp_path):
    parts = distiller_parts(Config.fromfile(write_config(tmp_path, extra(tmp_path))))
    assert parts['ours'].student is parts['student']
    assert not list(parts['teacher'].parameters())
    assert parts['ours, bf16 teacher'].teachers['teacher'].precision == 'bf16'
    seen = []
    parts['teacher'].network[0].backbone.register_forward_hook(
        lambda module, _, out: seen.append((module.training, out[-1].requires_grad)))
    compare_steps({'teacher': parts['teacher']}, torch.zeros(2, 3, 8, 8), torch.tensor([1, 0]), ['float32'], 1, 1)
    assert seen == [(False, False)] * 3


def test_class_means_are_timed_against_a_bare_pass(tmp_path, capsys):
    config = write_config(tmp_path, extra(tmp_path))
    assert tool.main([str(config), '--class-means', '--rounds', '2', '--out', str(tmp_path / 'out.json')]) == 0
    rows = json.loads((tmp_path / 'out.json').read_text())
    assert [row['network'] for row in rows] == ['bare teacher pass', 'class means']
    assert all(len(row['all']) == 2 and min(row['all']) > 0 for row in rows)


def test_a_sum_is_that_of_the_named_parts_at_one_precision_round_by_round():
    timings = [
        Timing('a', 'float32', [1.0, 2.0], 10.0), Timing('b', 'float32', [0.5, 0.25], 1.0), Timing('a', 'bfloat16', [9.0, 9.0], 99.0),
        Timing('ours', 'float32', [7.0, 7.0], 50.0)]
    assert sum_of(timings, ['a', 'b'], 'float32') == Timing('sum', 'float32', [1.5, 2.25], 11.0)


def test_every_teacher_is_random_whatever_its_spec(tmp_path):
    small = dict(model='cifar/resnet8', num_classes=10, checkpoint='absent.pth')
    cfg = Config.fromfile(write_config(tmp_path, extra(tmp_path)))
    ensemble, bare = dict(type='mmkd_ext.TeacherEnsemble', teachers=[small, small]), dict(cfg.model.teacher.model)
    for teacher in (ensemble, bare, dict(one=small, two=dict(small)), dict(teacher=small)):
        cfg.model.teacher = teacher
        cfg.model.losses = dict(kd=dict(type='mmkd_ext.KDLoss', teacher='one') if 'one' in teacher else dict(type='mmkd_ext.KDLoss'))
        model = build_with_random_teachers(cfg, precision='bf16')
        assert list(model.teachers) == (['one', 'two'] if 'one' in teacher else ['teacher'])
        assert cfg.model.teacher == teacher  # the config is as it was
