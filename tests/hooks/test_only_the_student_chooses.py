"""Only a student's number chooses, and what evaluators leave on disk is the student's."""

import json
from pathlib import Path

import mmengine
import pytest
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS
from support.distillation_runs import extra
from support.runs import one_thread, write_config

from mmkd_ext.commands import train


@METRICS.register_module()
class FoundNothing(BaseMetric):
    """A metric that has no numbers for the student, which comes after the teacher."""

    calls = 0

    def process(self, data_batch, data_samples):
        self.results.extend(1 for _ in data_samples)

    def compute_metrics(self, results):
        FoundNothing.calls += 1
        return {'score': 1.0} if FoundNothing.calls == 1 else {}


@METRICS.register_module()
class WritesScores(BaseMetric):
    """A metric with a file of a name that nobody knows."""

    def __init__(self, spot):
        super().__init__()
        self.spot = spot

    def process(self, data_batch, data_samples):
        self.results.extend(int(sample['pred_label'] == sample['gt_label']) for sample in data_samples)

    def compute_metrics(self, results):
        score = 100 * sum(results) / len(results)
        Path(self.spot).write_text(str(score))
        return {'share': score}


def trained(tmp_path, text, *options):
    config = write_config(tmp_path, extra(tmp_path) + text)
    with one_thread():
        code = train.main([str(config), '--work-dir', 'work', '--cfg-options', 'train_cfg.max_epochs=1', *options])
    (file,) = (tmp_path / 'work').glob('*/vis_data/scalars.json')
    return code, [json.loads(line) for line in file.read_text().splitlines()]


def test_without_numbers_of_the_student_the_teachers_choose_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FoundNothing.calls = 0
    text = "val_evaluator = dict(_delete_=True, type='FoundNothing')\ndefault_hooks = dict(checkpoint=dict(save_best='auto'))\n"
    code, lines = trained(tmp_path, text)
    assert code == 0 and FoundNothing.calls == 2
    assert [line['teacher/score'] for line in lines if 'teacher/score' in line] == [1.0]
    assert not list((tmp_path / 'work').glob('best*'))


def test_what_evaluators_leave_is_the_students(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (
        "val_evaluator = [dict(type='Accuracy', topk=(1,)), dict(type='WritesScores', spot='spot.txt'), "
        "dict(type='mmengine.DumpResults', out_file_path='dump.pkl')]\n")
    code, lines = trained(tmp_path, text)
    (line,) = [line for line in lines if 'accuracy/top1' in line]
    assert code == 0 and line['accuracy/top1'] != line['teacher/accuracy/top1']
    dumped = mmengine.load('dump.pkl')
    hits = [int(sample['pred_label'] == sample['gt_label']) for sample in dumped]
    assert len(hits) == 16 and 100 * sum(hits) / 16 == pytest.approx(line['accuracy/top1'])
    assert float(Path('spot.txt').read_text()) == pytest.approx(line['accuracy/top1'])
