"""The teacher's accuracy beside the student's: its own, taken once, and kept over a resume."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import default_collate
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, init_default_scope
from mmengine.structures import BaseDataElement
from mmpretrain.models import AverageClsScoreTTA
from support.distillation_runs import extra
from support.runs import one_thread, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import train
from mmkd_ext.config.load_config import load_config
from mmkd_ext.hooks import DistillationReportHook
from mmkd_ext.models.build import build_model
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher


def validations(work_dir):
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    records = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return [record for record in records if 'accuracy/top1' in record]


def test_the_teacher_is_validated_once_and_stands_beside_the_student(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path) + "train_cfg = dict(val_interval=1)\nval_dataloader.update(batch_size=7)\n"
    config = write_config(tmp_path, text)
    seen = []
    call = FrozenTeacher.__call__

    def counted(self, inputs, **kwargs):
        seen.append(len(inputs))
        return call(self, inputs, **kwargs)

    monkeypatch.setattr(FrozenTeacher, '__call__', counted)
    with one_thread():
        assert train.main([str(config), '--work-dir', 'work', '--cfg-options', 'train_cfg.max_epochs=2']) == 0
        assert seen.count(7) == 2  # of 16 images
        assert train.main([str(config), '--work-dir', 'work', '--resume']) == 0
        assert seen.count(7) == 2

    logged = validations(tmp_path / 'work')
    assert len(logged) == 3
    cfg = load_config(str(config))
    init_default_scope('mmpretrain')
    model = build_model(cfg)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    data = model.data_preprocessor(default_collate([dataset[i] for i in range(len(dataset))]), False)
    target = torch.cat([sample.gt_label for sample in data['data_samples']])
    predicted = model.teachers['teacher'](data['inputs']).logits.argmax(dim=1)
    expected = 100 * float((predicted == target).float().mean())
    assert [round(record['teacher/accuracy/top1'], 4) for record in logged] == [round(expected, 4)] * 3
    model.load_state_dict(read_checkpoint('work/epoch_3.pth')['state_dict'])
    with torch.no_grad():
        student = model.eval().student(data['inputs']).argmax(dim=1)
    assert round(logged[-1]['accuracy/top1'], 4) == round(100 * float((student == target).float().mean()), 4)
    assert (tmp_path / 'work/adapters.txt').read_text().splitlines()[2].split()[:2] == ['nd', 'embedding']


def test_a_run_without_teachers_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, '')
    with one_thread():
        assert train.main([str(config), '--work-dir', 'work', '--cfg-options', 'train_cfg.max_epochs=1']) == 0
    assert not (tmp_path / 'work/adapters.txt').exists()
    assert not any(key.startswith('teacher') for record in validations(tmp_path / 'work') for key in record)


class Silent(BaseModel):
    def forward(self):
        raise AssertionError('nobody asks')


class Written(BaseMetric):
    """A metric that writes a file, as those of detections do."""

    def __init__(self, outfile_prefix):
        super().__init__()
        self.outfile_prefix = outfile_prefix

    def process(self, data_batch, data_samples):
        self.results.extend(sample['label'] for sample in data_samples)

    def compute_metrics(self, results):
        Path(f'{self.outfile_prefix}.txt').write_text(str(results))
        return {'sum': float(sum(results))}


def judged(tmp_path, model):
    evaluator = Evaluator([Written(str(tmp_path / 'boxes'))])
    evaluator.dataset_meta = {}
    said = BaseDataElement(label=1)
    said.set_field({'a': BaseDataElement(label=2), 'b': BaseDataElement(label=3)}, 'networks')
    evaluator.process([said], None)
    loader = SimpleNamespace(dataset=[0])
    runner = SimpleNamespace(
        model=model, test_loop=SimpleNamespace(evaluator=evaluator), test_dataloader=loader, logger=MMLogger.get_current_instance())
    hook = DistillationReportHook()
    hook.after_test_iter(runner, 0, None, [said])
    metrics = evaluator.evaluate(1)
    hook.after_test_epoch(runner, metrics)
    return metrics


def test_the_files_of_an_ensemble_are_not_overwritten_by_those_of_its_networks(tmp_path):
    assert judged(tmp_path, torch.nn.Identity()) == {'sum': 1.0, 'a/sum': 2.0, 'b/sum': 3.0}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        'boxes.txt': '[1]', 'boxes_a.txt': '[2]', 'boxes_b.txt': '[3]'}


def test_with_augmented_tests_no_network_is_judged_by_one_view_of_each_image(tmp_path):
    tta = AverageClsScoreTTA(module=Silent())
    assert judged(tmp_path, tta) == {'sum': 1.0}


@pytest.mark.parametrize('wrong', [5, '', None])
def test_a_table_needs_the_name_of_a_file(wrong):
    with pytest.raises(ValueError, match='adapters to be the name of a file, got'):
        DistillationReportHook(adapters=wrong)


def test_its_folder_is_made_and_one_that_cannot_be_is_named(tmp_path):
    model = SimpleNamespace(adapter_table='loss  where')
    for name in ('adapters.txt', 'tables/of/adapters.txt'):
        DistillationReportHook(name).before_train(SimpleNamespace(work_dir=str(tmp_path), model=model))
        assert (tmp_path / name).read_text() == 'loss  where\n'
    for name in ('tables', 'adapters.txt/a.txt'):
        with pytest.raises(ValueError, match='Look at adapters of the DistillationReportHook'):
            DistillationReportHook(name).before_train(SimpleNamespace(work_dir=str(tmp_path), model=model))
