"""The tool that times a distilled detector's step against the sum of its parts."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.dense import tiny as dense
from support.detection import LOSSES, tiny
from support.detection import build as stock
from support.query import tiny as query

from mmkd_ext.benchmark.detectors import DetectorAlone
from mmkd_ext.benchmark.steps import compare_steps
from mmkd_ext.benchmark.sum_of_parts import distiller_parts
from mmkd_ext.commands import benchmark as tool
from mmkd_ext.models.outputs.kinds.known import kind_of


def detector_config(folder: Path, kind: str = 'faster') -> Path:
    model = dict(
        type='mmkd_ext.TwoStageDistiller', student=tiny(kind), teacher=dict(model=tiny(kind, 16, 48), checkpoint='absent.pth'),
        losses={name: LOSSES[name] for name in ('kd', 'nd')}, input_size=64)
    path = folder / f'detector_{kind}.py'
    path.write_text(f"default_scope = 'mmdet'\ncustom_imports = dict(imports=['mmkd_ext.models'])\nmodel = {model!r}\n")
    return path


def test_a_detector_s_step_is_compared_with_a_teacher_at_the_student_s_regions(tmp_path, capsys, monkeypatch):
    out = tmp_path / 'figures.json'
    arguments = ['--out', str(out), '--rounds', '1', '--batch-size', '2', '--size', '64', '--device', 'cpu']
    pooled = []
    original = DetectorAlone.forward

    def watched(self, images, samples, mode):
        said = original(self, images, samples, mode)
        assert [x.gt_instances.labels.tolist() for x in samples] == [[0, 1, 2, 0, 1, 2, 0, 1], [2, 0, 1, 2, 0, 1, 2, 0]]
        assert all((x.gt_instances.bboxes >= 0).all() and (x.gt_instances.bboxes <= 64).all() for x in samples)
        pooled.extend(len(x) for x in self._rois[images.shape])
        return said

    monkeypatch.setattr(DetectorAlone, 'forward', watched)
    assert tool.main([str(detector_config(tmp_path)), *arguments]) == 0
    rows = {(row['network'], row['precision']): row for row in json.loads(out.read_text())}
    names = ['student', 'teacher', 'ours', 'ours, bf16 teacher']
    precisions = ('float32', 'bfloat16')
    assert list(rows) == [*((n, p) for p in precisions for n in names), *(('sum', p) for p in precisions)]
    for precision in precisions:
        parts = [rows[name, precision]['all'][0] for name in ('student', 'teacher')]
        assert rows['sum', precision]['all'][0] == pytest.approx(sum(parts)) and min(parts) > 0
    assert set(pooled) == {2 * 16}  # the sampler's
    student, ours = (line.split()[-2:] for line in capsys.readouterr().out.splitlines() if line.startswith(('student ', 'ours  ')))
    assert student == ours and int(student[0].replace(',', '')) == sum(p.numel() for p in stock(tiny()).parameters())


def test_a_cascade_and_masks_are_timed_too_and_the_teacher_without_gradients(tmp_path):
    for kind, heads in (('cascade', 3), ('mask', 1)):
        parts = distiller_parts(Config.fromfile(detector_config(tmp_path, kind)))
        images = torch.randn(2, 3, 64, 64)
        seen = []
        teacher = parts['teacher'].teacher[0]
        for each in teacher.reader.heads:
            each.head.register_forward_hook(lambda module, _, out, seen=seen: seen.append((module.training, out[0].requires_grad)))
        samples = kind_of(parts['student'])(parts['student']).example_samples(images, 3)
        compare_steps({name: parts[name] for name in ('teacher', 'ours')}, images, samples, ['float32'], 1, 1)
        assert seen == [(False, False)] * (6 * heads) and not list(parts['teacher'].parameters())


@pytest.mark.filterwarnings('ignore:torch.meshgrid')
@pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`')
@pytest.mark.filterwarnings('ignore::DeprecationWarning')  # of mmdet and mmcv
@pytest.mark.parametrize('network', [dense('gfl'), query('deformable')], ids=['gfl', 'deformable'])
def test_dense_and_query_detectors_are_counted_and_timed(network, tmp_path, capsys):
    model = dict(
        type='mmkd_ext.OfflineDistiller', student=network, teacher=dict(model=network, checkpoint='absent.pth'), input_size=64,
        losses=dict(kd=dict(type='mmkd_ext.KDLoss'), pkd=dict(type='mmkd_ext.PKDLoss')))
    path, out = tmp_path / 'config.py', tmp_path / 'figures.json'
    path.write_text(f"default_scope = 'mmdet'\ncustom_imports = dict(imports=['mmkd_ext.models'])\nmodel = {model!r}\n")
    arguments = ['--out', str(out), '--rounds', '1', '--batch-size', '1', '--size', '64', '--device', 'cpu', '--precision', 'float32']
    assert tool.main([str(path), *arguments]) == 0
    rows = {row['network']: row['all'][0] for row in json.loads(out.read_text())}
    assert list(rows) == ['student', 'teacher', 'ours', 'ours, bf16 teacher', 'sum']
    assert rows['sum'] == pytest.approx(rows['student'] + rows['teacher']) and rows['teacher'] > 0
    student, ours = (line.split()[-2:] for line in capsys.readouterr().out.splitlines() if line.startswith(('student ', 'ours  ')))
    assert student == ours and int(student[0].replace(',', '')) == sum(p.numel() for p in stock(network).parameters())
    assert int(student[1].replace(',', '')) > 1e6
