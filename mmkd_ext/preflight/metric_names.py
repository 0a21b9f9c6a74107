"""Names of the numbers that metrics of mmengine, mmdet and mmseg give, by their settings: to compute them may take minutes."""

from typing import Any

from mmengine.evaluator import DumpResults

_COCO = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')  # of boxes and masks, where none are asked for by metric_items


def names_by_settings(metric: Any) -> list[str] | None:
    """The names in their order, without the prefix; None where they follow from the data, or for other metrics.

    Args:
        metric: Of an evaluator, built; those of mmdet and mmseg are known by their names, so that these need not be installed.
    """
    if isinstance(metric, DumpResults):
        return []
    read = _READERS.get(type(metric).__module__.partition('.')[0], {}).get(type(metric).__name__)
    return read(metric) if read else None


def _coco(metric: Any) -> list[str] | None:
    if metric.format_only or metric.classwise or set(metric.metrics) - {'bbox', 'segm'}:
        return None
    return [f'{kind}_{item}' for kind in metric.metrics for item in metric.metric_items or _COCO]


def _voc(metric: Any) -> list[str]:
    if metric.metric == 'mAP':
        return list(dict.fromkeys(['mAP', *_at_thresholds(metric)]))
    several = [f'AR@{count}' for count in metric.proposal_nums] if len(metric.iou_thrs) > 1 else []
    return [f'recall@{count}@{threshold}' for count in metric.proposal_nums for threshold in metric.iou_thrs] + several


def _iou(metric: Any) -> list[str] | None:
    if metric.format_only:
        return None
    asked = [metric.metrics] if isinstance(metric.metrics, str) else list(metric.metrics)
    return list(dict.fromkeys(['aAcc', *(name for each in asked for name in _OF_IOU.get(each, ()))]))


def _open_images(metric: Any) -> list[str]:
    return list(dict.fromkeys([*_at_thresholds(metric), 'mAP']))


def _at_thresholds(metric: Any) -> list[str]:
    return [f'AP{int(threshold * 100):02d}' for threshold in metric.iou_thrs]


def _cityscapes(metric: Any) -> list[str] | None:
    return None if metric.format_only else ['mAP', 'AP@50']


_OF_IOU = {'mIoU': ('mIoU', 'mAcc'), 'mDice': ('mDice', 'mAcc'), 'mFscore': ('mFscore', 'mPrecision', 'mRecall')}
_READERS: dict[str, dict[str, Any]] = {
    'mmdet': {
        'CocoMetric': _coco, 'VOCMetric': _voc, 'OpenImagesMetric': _open_images, 'CityScapesMetric': _cityscapes,
        'DumpProposals': lambda _: []},
    'mmseg': {'IoUMetric': _iou}}
