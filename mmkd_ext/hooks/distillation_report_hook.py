"""What a distillation tells about its teachers."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmkd_ext.random_state import random_state_kept
from mmkd_ext.registry import HOOKS
from mmkd_ext.wrappers import unwrapped

_KEPT = 'mmkd_ext_teacher_metrics'


@HOOKS.register_module()
class DistillationReportHook(Hook):
    """Put the teachers' validation metrics beside the student's, and the table of adapters into the work dir.

    A frozen teacher is validated once: at the first validation of a run it makes one pass over the data, and later ones, also those
    after `--resume`, repeat its numbers, under `<name of the teacher>/<metric>`. A model without frozen teachers is left alone.

    Args:
        adapters: The table's file, relative to the work dir.
    """

    priority = 'HIGHEST'  # before RuntimeInfoHook takes the metrics for the log

    def __init__(self, adapters: str = 'adapters.txt') -> None:
        self.adapters = adapters

    def before_train(self, runner: Runner) -> None:
        """Write the table."""
        table = getattr(unwrapped(runner.model), 'adapter_table', '')
        if table and is_main_process():
            (Path(runner.work_dir) / self.adapters).write_text(f'{table}\n')

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add to the metrics before they are logged."""
        model = unwrapped(runner.model)
        if metrics is None or not hasattr(runner, '_train_loop'):
            return
        kept = dict(runner.message_hub.runtime_info.get(_KEPT, {}))
        for name, teacher in getattr(model, 'teachers', {}).items():
            key = f'{name} {teacher.fingerprint()[:16]}'
            if key not in kept:
                kept[key] = _validate(runner, model, teacher)
            metrics.update({f'{name}/{metric}': value for metric, value in kept[key].items()})
        if kept:
            runner.message_hub.update_info(_KEPT, kept)  # checkpoints keep it


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
    # a confusion matrix or a list by class is no curve
    return {key: float(value) for key, value in found.items() if np.ndim(value) == 0}
