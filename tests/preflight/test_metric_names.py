"""Names of numbers by a metric's settings: those that the metric gives when it computes."""

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults
from mmengine.hooks import CheckpointHook, EarlyStoppingHook

from mmkd_ext.preflight import watched_numbers
from mmkd_ext.preflight.metric_names import names_by_settings
from mmkd_ext.preflight.watched_numbers import check_watched, warn_without_validation

metrics = pytest.importorskip('mmdet.evaluation')
BOX = np.array([[1.0, 2, 30, 40]], np.float32)
TRUTH = dict(bboxes=BOX, labels=np.array([0]), bboxes_ignore=np.zeros((0, 4), np.float32), labels_ignore=np.zeros(0, np.int64))
FOUND = [np.hstack([BOX, [[0.9]]]).astype(np.float32)]  # of the one class


@pytest.mark.parametrize('metric', ['mAP', 'recall'])
@pytest.mark.parametrize('thresholds', [0.5, [0.5, 0.75]])
def test_of_pascal_voc(metric, thresholds):
    voc = metrics.VOCMetric(iou_thrs=thresholds, metric=metric, proposal_nums=(10, 100), eval_mode='11points')
    voc.dataset_meta = dict(classes=('0',), dataset_type=None)
    names = names_by_settings(voc)
    assert names == list(voc.compute_metrics([(TRUTH, FOUND)])) and len(names) > 1


def test_of_open_images(monkeypatch):
    monkeypatch.setattr('mmdet.evaluation.metrics.openimages_metric.eval_map', lambda *args, **kwargs: (0.5, None))
    oid = metrics.OpenImagesMetric(iou_thrs=[0.5, 0.75], ioa_thrs=[0.5, 0.5], use_group_of=False)
    oid.dataset_meta = dict(classes=('0',), RELATION_MATRIX=np.eye(1))
    truth = dict(TRUTH, gt_is_group_ofs=np.array([False]))
    assert names_by_settings(oid) == list(oid.compute_metrics([(truth, FOUND)])) == ['AP50', 'AP75', 'mAP']


def test_of_dumps_there_are_none_and_of_others_nothing_is_known(tmp_path):
    assert names_by_settings(DumpResults(str(tmp_path / 'a.pkl'))) == []
    assert names_by_settings(metrics.DumpDetResults(str(tmp_path / 'a.pkl'))) == []

    class VOCMetric:  # of another package, by the same name
        prefix = 'pascal_voc'

    assert names_by_settings(VOCMetric()) is None and names_by_settings(metrics.SemSegMetric()) is None


def test_what_nobody_knows_is_not_refused_and_what_is_known_is():
    hooks = [CheckpointHook(save_best='pascal_voc/mAP'), EarlyStoppingHook(monitor='pascal_voc/AP50', rule='greater')]
    check_watched(hooks, [dict(type='ReduceOnPlateauLR', monitor='anything')], None)
    check_watched(hooks, [], ['pascal_voc/mAP', 'pascal_voc/AP50'])
    with pytest.raises(ValueError, match="one of pascal_voc/mAP, got 'pascal_voc/AP50'.*monitor of the EarlyStoppingHook"):
        check_watched(hooks, [], ['pascal_voc/mAP'])


def test_a_table_is_no_number_to_choose_by():
    names = ['confusion_matrix/result', 'accuracy/top1']
    check_watched([EarlyStoppingHook(monitor='accuracy/top1', rule='greater')], [], names, names[:1])
    stop = EarlyStoppingHook(monitor=names[0], rule='less')
    for hook in (stop, CheckpointHook(save_best=names[0], rule='less'), CheckpointHook(save_best='auto')):
        with pytest.raises(ValueError, match='needed.*(accuracy/top1, )?got .*confusion_matrix/result'):
            check_watched([hook], [], names, names[:1])


def test_what_waits_for_a_validation_that_never_comes_is_one_warning(monkeypatch):
    said = []
    monkeypatch.setattr(watched_numbers, 'print_log', lambda text, logger, level: said.append(text))
    warn_without_validation([CheckpointHook()], [dict(type='MultiStepLR')])
    assert said == []
    hooks = [CheckpointHook(save_best='auto'), EarlyStoppingHook(monitor='x', rule='less')]
    warn_without_validation(hooks, dict(type='ReduceOnPlateauLR'))
    assert len(said) == 1
    for place in ('save_best of the CheckpointHook', 'monitor of the EarlyStoppingHook', 'monitor in param_scheduler'):
        assert place in said[0]


def test_of_coco():
    def coco(**options):
        return metrics.CocoMetric(ann_file=None, **options)

    assert names_by_settings(coco())[:2] == ['bbox_mAP', 'bbox_mAP_50'] and len(names_by_settings(coco())) == 6
    assert names_by_settings(coco(metric=['bbox', 'segm'], metric_items=['mAP'])) == ['bbox_mAP', 'segm_mAP']
    for unknown in (coco(format_only=True, outfile_prefix='x'), coco(classwise=True), coco(metric='proposal')):
        assert names_by_settings(unknown) is None


@pytest.mark.parametrize('asked', ['mIoU', ['mIoU', 'mDice'], ['mFscore', 'mIoU']])
def test_of_segmentation(asked):
    segmentation = pytest.importorskip('mmseg.evaluation', reason='of the extra seg')
    metric = segmentation.IoUMetric(iou_metrics=asked)
    metric.dataset_meta = dict(classes=('a', 'b'))
    areas = [torch.tensor([3.0, 4.0]), torch.tensor([5.0, 6.0]), torch.tensor([4.0, 5.0]), torch.tensor([4.0, 5.0])]
    assert sorted(names_by_settings(metric)) == sorted(metric.compute_metrics([areas]))
    assert names_by_settings(segmentation.IoUMetric(format_only=True, output_dir=None)) is None
