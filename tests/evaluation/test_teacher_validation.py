"""A teacher's validation: whose numbers count, and where its copied metrics write."""

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric, DumpResults, Evaluator
from torch.utils.data import DataLoader

from mmkd_ext.evaluation import teacher_validation
from mmkd_ext.models.zoo.teacher_record import Record


@pytest.mark.parametrize(('scored', 'size', 'warns'), [(29.2, 10000, True), (54.0, 10000, False), (40.0, 16, False)])
def test_a_teacher_far_below_its_own_record_is_warned_of(monkeypatch, scored, size, warns):
    said = []
    monkeypatch.setattr(teacher_validation, 'print_log', lambda text, *_: said.append(text))
    teacher = SimpleNamespace(name='t', record=Record(metrics={'accuracy/top1': 55.3}))
    teacher_validation.compare_with_record(teacher, {'accuracy/top1': scored}, size)
    assert [f'{scored:.2f} on the validation data, where its checkpoint says 55.30' in text for text in said] == [True] * warns


class Shares(BaseMetric):
    """The share of predictions that are 1, and a list that is no curve."""

    def __init__(self, **places):
        super().__init__()
        self.__dict__.update(places)

    def process(self, data_batch, data_samples):
        self.results.extend(float(sample) for sample in data_samples)

    def compute_metrics(self, results):
        return dict(share=sum(results) / len(results), drawn=random.random(), by_class=[1, 2])


def test_a_copied_evaluator_has_no_results_and_writes_elsewhere():
    places = dict(outfile_prefix='out/a', output_dir=Path('out/b'), save_path='', collect_device='cpu')
    evaluator = Evaluator([Shares(**places), DumpResults('predictions.pkl')])
    evaluator.metrics[0].results.append(1.0)
    copied = teacher_validation.copied_evaluator(evaluator, lambda path: f'elsewhere/{path}')
    (metric,) = copied.metrics  # predictions are not dumped
    assert (metric.results, metric.outfile_prefix, metric.output_dir) == ([], 'elsewhere/out/a', Path('elsewhere/out/b'))
    assert (metric.save_path, metric.collect_device) == ('', 'cpu')
    assert evaluator.metrics[0].results == [1.0] and evaluator.metrics[0].outfile_prefix == 'out/a' and len(evaluator.metrics) == 2


def teacher(classes=2):
    return SimpleNamespace(
        name='t', num_classes=classes, labels=SimpleNamespace(unmapped=True), record=Record(),
        predict=lambda inputs, samples: [x > 1 for x in inputs])


@pytest.fixture
def runner():
    evaluator = Evaluator([Shares()])
    evaluator.metrics[0].results.append(0.0)
    loader = DataLoader([dict(inputs=float(x), data_samples=0) for x in range(5)], batch_size=2)
    return SimpleNamespace(val_loop=SimpleNamespace(evaluator=evaluator), val_dataloader=loader)


def test_a_teacher_is_scored_on_all_validation_data_and_the_run_does_not_notice(runner):
    model = SimpleNamespace(num_classes=2, data_preprocessor=lambda batch, training: batch)
    random.seed(3)
    expected = random.random()
    random.seed(3)
    found = teacher_validation.validated(runner, model, teacher())
    assert found['share'] == 3 / 5 and set(found) == {'share', 'drawn'}  # what is no single number is left out
    assert random.random() == expected and runner.val_loop.evaluator.metrics[0].results == [0.0]


def test_a_teacher_of_other_classes_is_not_scored(runner, monkeypatch):
    said = []
    monkeypatch.setattr(teacher_validation, 'print_log', lambda text, *_: said.append(text))
    assert teacher_validation.validated(runner, SimpleNamespace(num_classes=2), teacher(3)) == {}
    assert said == ['The teacher t has 3 classes and the student 2: it is not validated in those of the student.']


def test_only_single_numbers_are_kept():
    numbers = dict(a=1, b=np.float32(0.5), c=torch.tensor(2.0), d=[1], e=np.ones(2), f=torch.ones(1, 1))
    assert teacher_validation.scalars(numbers) == dict(a=1.0, b=0.5, c=2.0)
