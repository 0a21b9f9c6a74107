"""What a distillation tells about its teachers, and an ensemble about its networks."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults
from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel
from mmengine.runner import Runner

from mmkd_ext.random_state import random_state_kept
from mmkd_ext.registry import HOOKS
from mmkd_ext.wrappers import unwrapped

_KEPT = 'mmkd_ext_teacher_metrics'


@HOOKS.register_module()
class DistillationReportHook(Hook):
    """Put the teachers' metrics, and those of an ensemble's networks, beside the model's, and the table of adapters into the work dir.

    A frozen teacher is validated once: at the first validation of a run it makes one pass over the data, and later ones, also those
    after `--resume`, repeat its numbers, under `<name of the teacher>/<metric>`. The networks of an ensemble are judged by copies of the
    evaluator on what they said in the same pass, also in a test, and a table shows them side by side. Any other model is left alone.

    Args:
        adapters: The table's file, relative to the work dir.
    """

    priority = 'HIGHEST'  # before RuntimeInfoHook takes the metrics for the log

    def __init__(self, adapters: str = 'adapters.txt') -> None:
        self.adapters = adapters
        self._judges: dict[str, Any] = {}  # an evaluator for each network

    def before_train(self, runner: Runner) -> None:
        """Write the table."""
        table = getattr(unwrapped(runner.model), 'adapter_table', '')
        if table and is_main_process():
            (Path(runner.work_dir) / self.adapters).write_text(f'{table}\n')

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None) -> None:
        """Take what each network said of a batch."""
        self._judge(runner.val_loop.evaluator, data_batch, outputs)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None) -> None:
        """Take what each network said of a batch."""
        if not isinstance(unwrapped(runner.model), BaseTTAModel):  # its samples hold what was said of one view of an image
            self._judge(runner.test_loop.evaluator, data_batch, outputs)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add to the metrics before they are logged."""
        model = unwrapped(runner.model)
        if metrics is None:
            return
        own = {key: value for key, value in metrics.items() if np.ndim(value) == 0}
        rows = self._add_networks(metrics, len(runner.val_dataloader.dataset))
        kept = dict(runner.message_hub.runtime_info.get(_KEPT, {}))
        for name, teacher in getattr(model, 'teachers', {}).items() if hasattr(runner, '_train_loop') else ():
            key = f'{name} {teacher.fingerprint()[:16]}'
            if key not in kept:
                kept[key] = _validate(runner, model, teacher)
            metrics.update({f'{name}/{metric}': value for metric, value in kept[key].items()})
            if rows:
                rows[name] = kept[key]
        if kept:
            runner.message_hub.update_info(_KEPT, kept)  # checkpoints keep it
        if rows:
            runner.logger.info(network_table({**rows, 'ensemble': own}))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add to the metrics before they are printed."""
        if metrics is None:
            return
        own = {key: value for key, value in metrics.items() if np.ndim(value) == 0}
        rows = self._add_networks(metrics, len(runner.test_dataloader.dataset))
        if rows:
            runner.logger.info(network_table({**rows, 'ensemble': own}))

    def _judge(self, evaluator: Any, batch: Any, outputs: Sequence[Any] | None) -> None:
        for name in getattr(outputs[0], 'networks', {}) if outputs else ():
            if name not in self._judges:
                self._judges[name] = judge = copy.deepcopy(evaluator)
                judge.metrics = [metric for metric in judge.metrics if not isinstance(metric, DumpResults)]
                for metric in judge.metrics:
                    metric.results.clear()  # of this batch, the ensemble's
                    if getattr(metric, 'outfile_prefix', None):  # a file of its own, beside the ensemble's
                        metric.outfile_prefix = f'{metric.outfile_prefix}_{name}'
            self._judges[name].process([sample.networks[name] for sample in outputs or ()], batch)

    def _add_networks(self, metrics: dict[str, float], size: int) -> dict[str, dict[str, float]]:
        rows = {name: _scalars(judge.evaluate(size)) for name, judge in self._judges.items()}
        self._judges.clear()
        for name, found in rows.items():
            metrics.update({f'{name}/{metric}': value for metric, value in found.items()})
        return rows


def network_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Networks below one another, their metrics side by side."""
    columns = list(dict.fromkeys(metric for found in rows.values() for metric in found))
    lines = [['network', *columns]]
    lines += [[name, *(f'{found[key]:.4f}' if key in found else '-' for key in columns)] for name, found in rows.items()]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    return '\n' + '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


@torch.no_grad()
def _validate(runner: Runner, model: Any, teacher: Any) -> dict[str, float]:
    evaluator = runner.val_loop.evaluator
    with random_state_kept():  # a resumed run does not come here
        for batch in runner.val_dataloader:
            data = model.data_preprocessor(batch, False)
            if hasattr(teacher, 'predict'):  # a detector
                evaluator.process(teacher.predict(data['inputs'], data['data_samples']), batch)
                continue
            samples, logits = data['data_samples'], teacher(data['inputs']).logits.float()
            for sample, scores in zip(samples, logits.softmax(dim=1), strict=True):
                sample.set_pred_score(scores).set_pred_label(scores.argmax())
            evaluator.process(samples, batch)
        found = evaluator.evaluate(len(runner.val_dataloader.dataset))
    return _scalars(found)


def _scalars(metrics: Mapping[str, Any]) -> dict[str, float]:
    # a confusion matrix or a list by class is no curve
    return {key: float(value) for key, value in metrics.items() if np.ndim(value) == 0}
