"""Logs of runs that were never made, line by line as mmengine writes them."""

import json


def train_line(step: int, epoch: int | None = None, **values: float) -> dict:
    return {'lr': 0.1 / step, 'loss': 2.0 / step, **values, 'time': 0.1, 'iter': step, 'step': step} | (
        {} if epoch is None else {'epoch': epoch})


def write_log(work_dir, records, start: str = '20260101_000000', tail: str = ''):
    file = work_dir / start / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text(''.join(json.dumps(record) + '\n' for record in records) + tail)
    return work_dir


def three_epochs():
    """Three epochs of 391 iterations, logged every 150 and, as mmengine does by default, not at their ends."""
    return [line for epoch in (1, 2, 3) for line in (
        *(train_line(391 * (epoch - 1) + i, epoch, loss_kl=0.001 * epoch, **{'accuracy_top-1': 25.0 * epoch})
          for i in (150, 300)),
        {'accuracy/top1': 20.0 * epoch, 'time': 0.1, 'step': epoch})]
