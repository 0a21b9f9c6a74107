"""A frozen teacher's metrics on the validation data, by a copy of the run's evaluator that writes no file."""

import copy
import re
import tempfile
from collections.abc import Callable, Mapping
from logging import WARNING
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import DumpResults
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmkd_ext.engine.random_state import random_state_kept

# what metrics call the places that they write to: outfile_prefix, out_file_path, output_dir, save_path, result_dir
_WRITES = re.compile(r'^_?(out|save|dump|write|result|submission).*(file|prefix|dir|path|folder|root)|^_?(out|output|outfile)$')


def copied_evaluator(evaluator: Any, place: Callable[[str], str]) -> Any:
    """The same evaluator without results, for another network's predictions; predictions are not dumped.

    Args:
        evaluator: The run's.
        place: From where a metric writes to where the copy's does.
    """
    copied = copy.deepcopy(evaluator)
    copied.metrics = [metric for metric in copied.metrics if not isinstance(metric, DumpResults)]
    for metric in copied.metrics:
        metric.results.clear()
        for key, value in vars(metric).items():
            if isinstance(value, str | Path) and value and _WRITES.match(key):
                setattr(metric, key, type(value)(place(str(value))))
    return copied


@torch.no_grad()
def validated(runner: Runner, model: Any, teacher: Any) -> dict[str, float]:
    """A teacher's metrics, by one pass over the validation data; none where its classes are not the student's."""
    if _not_comparable(teacher, teacher.num_classes, model.num_classes):
        return {}
    with random_state_kept(), tempfile.TemporaryDirectory() as folder:  # a resumed run does not come here
        evaluator = copied_evaluator(runner.val_loop.evaluator, lambda path: str(Path(folder) / Path(path).name))
        for batch in runner.val_dataloader:
            data = model.data_preprocessor(batch, False)
            evaluator.process(teacher.predict(data['inputs'], data['data_samples']), batch)
        found = scalars(evaluator.evaluate(len(runner.val_dataloader.dataset)))
    if not teacher.labels.unmapped:
        compare_with_record(teacher, found, len(runner.val_dataloader.dataset))
    return found


def compare_with_record(teacher: Any, found: Mapping[str, float], size: int) -> None:
    """Warn of a teacher that scores a tenth less than its checkpoint says, beyond what `size` samples leave to chance."""
    for key, noted in teacher.record.metrics.items():
        if not ('top' in key or 'mAP' in key) or key not in found:
            continue
        share = min(max(noted / (100 if 'top' in key else 1), 0.0), 1.0)
        chance = 2 * (share * (1 - share) / max(size, 1)) ** 0.5 * (100 if 'top' in key else 1)
        if found[key] < 0.9 * noted - chance:
            print_log(
                f'The teacher {teacher.name} scores {key} {found[key]:.2f} on the validation data, where its checkpoint says {noted:.2f}. '
                'Does it see what it was trained on? Look at its data_preprocessor (mean, std), channel_order, input_size and classes.',
                'current', WARNING)
            return


def _not_comparable(teacher: Any, theirs: int, mine: int) -> bool:
    if theirs != mine:
        print_log(
            f'The teacher {teacher.name} has {theirs} classes and the student {mine}: it is not validated in those of the student.',
            'current', WARNING)
    return theirs != mine


def scalars(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that are single numbers; a confusion matrix or a list by class is no curve."""
    return {key: float(value) for key, value in metrics.items() if np.ndim(value) == 0}
