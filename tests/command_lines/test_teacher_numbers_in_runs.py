"""What a run takes of its teacher's numbers: other classes, corrected labels, other validation data, and who may stop a run."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS, DefaultScope
from mmpretrain.registry import MODELS
from sklearn.datasets import load_digits
from support.distillation_runs import TEACHER, extra, run
from support.runs import lines_of, one_error

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint


@METRICS.register_module(force=True)
class Falling(BaseMetric):
    """A student whose score falls while its teacher's, which is asked first in the first epoch only, is better than any."""

    scores: list = []

    def process(self, data_batch, data_samples):
        self.results.extend(1 for _ in data_samples)

    def compute_metrics(self, results):
        return {'score': Falling.scores.pop(0)}


def test_a_run_is_stopped_by_the_students_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Falling.scores = [99.0, 50.0, 40.0, 30.0, 20.0, 10.0]  # the teacher's first
    text = (
        "val_evaluator = dict(_delete_=True, type='Falling')\ntrain_cfg = dict(max_epochs=5)\n"
        "default_hooks = dict(checkpoint=dict(save_best='score', rule='greater'))\n"
        "custom_hooks = [dict(type='mmkd_ext.ClassMeansHook'), "
        "dict(type='EarlyStoppingHook', monitor='score', rule='greater', patience=2)]\n")
    assert run(tmp_path, extra(tmp_path) + text, 'work')[1] == 0
    scores = [line['score'] for line in lines_of('work') if 'score' in line]
    assert scores == [50.0, 40.0, 30.0]  # two epochs without a better one
    assert {line['teacher/score'] for line in lines_of('work') if 'teacher/score' in line} == {99.0}
    assert [path.name for path in Path('work').glob('best_*')] == ['best_score_epoch_1.pth']


def test_a_learning_rate_follows_the_students_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Falling.scores = [99.0, 50.0, 40.0, 60.0, 60.0]
    text = (
        "val_evaluator = dict(_delete_=True, type='Falling')\ntrain_cfg = dict(max_epochs=4)\n"
        "default_hooks = dict(checkpoint=dict(save_best=None))\n"
        "param_scheduler = dict(_delete_=True, type='ReduceOnPlateauLR', monitor='score', rule='greater', factor=0.1, patience=0)\n")
    assert run(tmp_path, extra(tmp_path) + text, 'work')[1] == 0
    rates = [line['lr'] for line in lines_of('work') if 'lr' in line]
    # 40 after 50 is worse, 60 is better, and 60 again is not: the last one would count for a fifth epoch
    assert rates == pytest.approx([0.05] * 6 + [0.005] * 6)


def test_a_teacher_of_other_classes_is_not_validated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = dict(TEACHER['head'], num_classes=13)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        network = MODELS.build(dict(TEACHER, head=head))
    torch.save(dict(state_dict=network.state_dict()), 'thirteen.pth')
    text = (
        "train_cfg = dict(max_epochs=1)\ncustom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]\n"
        f"model.update(teacher=dict(model={dict(TEACHER, head=head)}, checkpoint='thirteen.pth'), "
        "losses=dict(nd=dict(type='mmkd_ext.NDLoss')))\n")
    assert run(tmp_path, extra(tmp_path) + text, 'work')[1] == 0
    (log,) = Path('work').glob('*/*.log')
    said = log.read_text()
    assert 'has 13 classes and the student 10: it is not validated' in said
    assert 'teacher/accuracy' not in said and 'which is chance' not in said and 'red as blue' not in said
    assert any('accuracy/top1' in line for line in lines_of('work'))


def test_kept_numbers_of_a_teacher_are_made_anew_for_other_validation_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, two = 'train_cfg = dict(max_epochs=1)\n', 'train_cfg = dict(max_epochs=2)\n'
    other = 'val_dataloader = dict(dataset=dict(indices=31))\n'

    def teachers(work_dir):
        return [line['teacher/accuracy/top1'] for line in lines_of(work_dir) if 'teacher/accuracy/top1' in line]

    assert run(tmp_path, extra(tmp_path) + one + other, 'fresh')[1] == 0
    assert run(tmp_path, extra(tmp_path) + one, 'work')[1] == 0
    first = teachers('work')
    assert run(tmp_path, extra(tmp_path) + two + other, 'work', '--resume')[1] == 0
    assert teachers('work')[-1:] == teachers('fresh') != first


def image_folder(folder, labels):
    """Sixty digits as files, with their labels in one annotation file."""
    for i, image in enumerate(load_digits().images[:60]):
        cv2.imwrite(str(folder / f'{i}.png'), np.repeat(np.uint8(image * 15)[..., None], 3, axis=2))
    (folder / 'labels.txt').write_text(''.join(f'{i}.png {label}\n' for i, label in enumerate(labels)))


def test_corrected_labels_make_other_class_means(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'images').mkdir()
    right = load_digits().target[:60]
    text = (
        "model['channel_order'] = 'bgr'\ntrain_cfg = dict(max_epochs=1)\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, type='CustomDataset', data_root='images', ann_file='labels.txt', "
        "metainfo=dict(classes=tuple('0123456789')), pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')]))\n")
    found = {}
    for name, labels in (('wrong', (right + 1) % 10), ('corrected', right)):
        image_folder(tmp_path / 'images', labels)
        assert run(tmp_path, extra(tmp_path) + text, name)[1] == 0
        found[name] = read_checkpoint(f'{name}/epoch_1.pth')['state_dict']['distill.nd.class_means']
    # the same images under labels one higher: the rows move by one
    torch.testing.assert_close(found['corrected'].roll(1, dims=0), found['wrong'], rtol=1e-4, atol=1e-5)
    assert F.cosine_similarity(found['corrected'], found['wrong']).min() < 0.9999
    assert not torch.allclose(found['corrected'], found['wrong'], rtol=1e-2)


def test_a_file_of_class_means_with_other_rows_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path) + 'train_cfg = dict(max_epochs=1)\n'
    assert run(tmp_path, text, 'first')[1] == 0
    (file,) = Path('class_means').glob('*.pth')
    content = torch.load(file, weights_only=True)
    content.update(class_means=content['class_means'][:7], counts=content['counts'][:7])
    torch.save(content, file)
    capsys.readouterr()
    assert run(tmp_path, text, 'second')[1] == 2
    assert 'Class means of 10 classes are needed' in (said := one_error(capsys.readouterr().err)) and 'with 7 rows' in said
