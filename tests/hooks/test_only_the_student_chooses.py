"""Only a student's number chooses, and what evaluators leave on disk is the student's."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import mmengine
import pytest
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS
from support.distillation_runs import extra
from support.runs import one_thread, write_config

from mmkd_ext.commands import train
from mmkd_ext.datasets.data_digest import data_digest
from mmkd_ext.hooks import teacher_validation
from mmkd_ext.models.zoo.teacher_record import Record


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


class Labelled:
    metainfo = {'classes': ('a', 'b')}

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def get_data_info(self, i):
        return self.samples[i]


def test_a_digest_knows_labels_and_images(tmp_path):
    file = tmp_path / 'a.png'
    file.write_bytes(b'one')
    samples = [dict(img_path=str(file), gt_label=0, instances=[dict(bbox=[1.0, 2.0, 3.0, 4.0])]), dict(img_path='b', gt_label=1)]
    first = data_digest(Labelled(samples))
    assert data_digest(Labelled(copy.deepcopy(samples))) == first
    relabelled, moved = copy.deepcopy(samples), copy.deepcopy(samples)
    relabelled[1]['gt_label'] = 0
    moved[0]['instances'][0]['bbox'][0] = 1.5
    assert len({first, data_digest(Labelled(relabelled)), data_digest(Labelled(moved)), data_digest(Labelled(samples[::-1]))}) == 4
    file.write_bytes(b'other')
    assert data_digest(Labelled(samples)) != first


@pytest.mark.parametrize(('scored', 'size', 'warns'), [(29.2, 10000, True), (54.0, 10000, False), (40.0, 16, False)])
def test_a_teacher_far_below_its_own_record_is_warned_of(monkeypatch, scored, size, warns):
    said = []
    monkeypatch.setattr(teacher_validation, 'print_log', lambda text, *_: said.append(text))
    teacher = SimpleNamespace(name='t', record=Record(metrics={'accuracy/top1': 55.3}))
    teacher_validation.compare_with_record(teacher, {'accuracy/top1': scored}, size)
    assert [f'{scored:.2f} on the validation data, where its checkpoint says 55.30' in text for text in said] == [True] * warns
