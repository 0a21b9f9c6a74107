"""DistillationReportHook: metrics of the teachers, and of an ensemble's networks, in the log."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel
from mmengine.runner import Runner

from mmkd_ext.class_means.class_means_file import digest
from mmkd_ext.datasets.data_digest import data_digest
from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.evaluation.teacher_validation import copied_evaluator, scalars, validated
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.registry import HOOKS

_KEPT = 'mmkd_ext_teacher_metrics'


@HOOKS.register_module()
class DistillationReportHook(Hook):
    """Put the teachers' metrics, and those of an ensemble's networks, beside the model's, and the table of adapters into the work dir.

    A frozen teacher of the student's classes is validated once: at the first validation of a run it makes one pass over the data, and
    later ones, also those after `--resume` on the same data, repeat its numbers, under `<name of the teacher>/<metric>`. They choose no
    checkpoint and stop no run, and what an evaluator writes is the model's. The networks of an ensemble are judged by copies of the
    evaluator on their predictions in the same pass, also in a test, and a table shows them side by side. Any other model is left alone.

    Args:
        adapters: The table's file, relative to the work dir.

    Example:
        In a config:

        >>> default_hooks = dict(distillation_report=dict(type='mmkd_ext.DistillationReportHook'))
        >>> HOOKS.build(default_hooks['distillation_report']).adapters
        'adapters.txt'
    """

    priority = 'HIGHEST'  # before RuntimeInfoHook takes the metrics for the log

    def __init__(self, adapters: str = 'adapters.txt') -> None:
        if not isinstance(adapters, str) or not adapters:
            raise ValueError(f'DistillationReportHook needs adapters to be the name of a file, got {adapters!r}.')
        self.adapters = adapters
        self._judges: dict[str, Any] = {}  # an evaluator for each network
        self._of_teachers: dict[str, dict[str, float]] = {}
        self._digest: str | None = None

    def before_train(self, runner: Runner) -> None:
        """Write the table."""
        table = getattr(unwrapped(runner.model), 'adapter_table', '')
        if table and is_main_process():
            path = Path(runner.work_dir) / self.adapters
            check_output(path, 'Look at adapters of the DistillationReportHook.')
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'{table}\n')

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None) -> None:
        """Keep each network's predictions of a batch."""
        self._judge(runner.val_loop.evaluator, data_batch, outputs)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None) -> None:
        """Keep each network's predictions of a batch."""
        if not isinstance(unwrapped(runner.model), BaseTTAModel):  # its samples hold the predictions of one view of an image
            self._judge(runner.test_loop.evaluator, data_batch, outputs)

    def before_val_epoch(self, runner: Runner) -> None:
        """Validate the teachers, before the model: whatever files an evaluator leaves are the model's, which come later."""
        model = unwrapped(runner.model)
        kept = dict(runner.message_hub.runtime_info.get(_KEPT, {}))
        self._of_teachers = {}
        for name, teacher in getattr(model, 'teachers', {}).items() if hasattr(runner, '_train_loop') else ():
            key = f'{name} {teacher.fingerprint()[:16]} {self._data(runner)}'
            if teacher.labels.groups is not None:
                key += f' {digest(teacher.labels.groups)[:16]}'
            if key not in kept:
                kept[key] = validated(runner, model, teacher)
            self._of_teachers[name] = kept[key]
        if kept:
            runner.message_hub.update_info(_KEPT, kept)  # checkpoints keep it

    def _data(self, runner: Runner) -> str:
        """A digest of the validation data, on which a teacher's metrics depend; computed once in a run."""
        if self._digest is None:
            asked = {key: runner.cfg.get(key) for key in ('val_dataloader', 'val_evaluator', 'val_cfg')}
            found = [(digest(str(asked)), data_digest(runner.val_dataloader.dataset))] if is_main_process() else [None]
            broadcast_object_list(found)
            self._digest = digest(found[0])
        return self._digest

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Put what teachers and networks score into the log, beside the metrics, by which the run's hooks choose and stop.

        A student's own stand among the metrics too, for `save_best='<name>/<metric>'`, unless the ensemble has none that go first.
        """
        if metrics is None:
            return
        own = {key: value for key, value in metrics.items() if np.ndim(value) == 0}
        rows = self._rows(len(runner.val_dataloader.dataset))
        students = getattr(unwrapped(runner.model), 'students', rows)
        for name, found in {**rows, **self._of_teachers}.items():
            named = {f'{name}/{metric}': value for metric, value in found.items()}
            if metrics and name in rows and name in students:
                metrics.update(named)
            else:
                for key, value in named.items():
                    runner.message_hub.update_scalar(f'val/{key}', value)
        if rows:
            runner.logger.info(network_table({**rows, **self._of_teachers, 'ensemble': own}))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add to the metrics before they are printed."""
        if metrics is None:
            return
        own = {key: value for key, value in metrics.items() if np.ndim(value) == 0}
        rows = self._rows(len(runner.test_dataloader.dataset))
        for name, found in rows.items():
            metrics.update({f'{name}/{metric}': value for metric, value in found.items()})
        if rows:
            runner.logger.info(network_table({**rows, 'ensemble': own}))

    def _judge(self, evaluator: Any, batch: Any, outputs: Sequence[Any] | None) -> None:
        for name in getattr(outputs[0], 'networks', {}) if outputs else ():
            if name not in self._judges:  # files of its own, beside the ensemble's
                self._judges[name] = copied_evaluator(evaluator, partial(_beside, name))
            self._judges[name].process([sample.networks[name] for sample in outputs or ()], batch)

    def _rows(self, size: int) -> dict[str, dict[str, float]]:
        rows = {name: scalars(judge.evaluate(size)) for name, judge in self._judges.items()}
        self._judges.clear()
        return rows


def network_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Networks below one another, their metrics side by side."""
    columns = list(dict.fromkeys(metric for found in rows.values() for metric in found))
    lines = [['network', *columns]]
    lines += [[name, *(f'{found[key]:.4f}' if key in found else '-' for key in columns)] for name, found in rows.items()]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    return '\n' + '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _beside(name: str, path: str) -> str:
    """A file of a network's own."""
    return f'{path}_{name}'
