"""What a teacher's checkpoint and its zoo's name tell of it: metrics and class names."""

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.logging import HistoryBuffer
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint

_ACCURACIES = ('best_acc', 'accuracy', 'acc', 'best_acc1', 'acc1', 'top1')  # of the field's own training scripts


class Record(NamedTuple):
    """A checkpoint's own words.

    Attributes:
        classes: Their names in the order of the logits; None: it has none.
        metrics: The last validation that it knows of, such as `accuracy/top1` in percent.
    """

    classes: tuple[str, ...] | None = None
    metrics: Mapping[str, float] = {}


def record_of(path: str | Path) -> Record:
    """Read a checkpoint's record, without executing code; an empty one where the file has only weights."""
    if Path(path).suffix == '.safetensors':
        return Record()
    try:
        found = read_checkpoint(path)
    except ValueError:  # the weights were read by a reader that allows more
        return Record()
    meta, hub = found.get('meta'), found.get('message_hub')
    data = meta.get('dataset_meta') if isinstance(meta, Mapping) else None
    names: Any = data.get('classes') if isinstance(data, Mapping) else None
    classes = tuple(map(str, names)) if isinstance(names, list | tuple) else None
    logged: Any = hub.get('log_scalars') if isinstance(hub, Mapping) else None
    metrics = {
        key.removeprefix('val/'): float(history.current())
        for key, history in (logged.items() if isinstance(logged, Mapping) else ())
        if str(key).startswith('val/') and isinstance(history, HistoryBuffer) and len(history.data[0])}
    accuracy = next((x for x in (_number(found.get(key)) for key in _ACCURACIES) if x is not None), None)
    if not metrics and accuracy is not None:
        metrics = {'accuracy/top1': accuracy * (100 if accuracy <= 1 else 1)}
    return Record(classes, metrics)


def _number(value: Any) -> float | None:
    """What is one number, be it a tensor's or an array's; a list of them, one for each epoch, is none."""
    if isinstance(value, bool) or not (isinstance(value, Real) or getattr(value, 'ndim', None) == 0):
        return None
    return float(value)


def class_names(words: Mapping[str, Any], record: Record) -> tuple[str, ...] | None:
    """The names of a frozen network's classes: its checkpoint's, else ImageNet's 1,000 where its zoo trains on them; None: unknown.

    Args:
        words: Of its spec, see `read_spec`.
        record: Of its checkpoint.
    """
    model = words.get('model')
    imagenet = isinstance(model, str) and (model.startswith(('timm/', 'torchvision/')) or 'in1k' in model or 'imagenet' in model)
    return record.classes or (tuple(IMAGENET_CATEGORIES) if imagenet and words.get('num_classes') in (None, 1000) else None)
