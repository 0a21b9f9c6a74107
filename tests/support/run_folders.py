"""Short runs in folders, each of a few epochs of two iterations."""

import pytest
import torch
from support.runs import one_thread, write_config

from mmkd_ext.commands import train

SMALL = "train_dataloader = dict(dataset=dict(samples_per_class=4))\n"  # two iterations an epoch


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Train in a folder with some flags; what it returns is the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(work_dir: str, epochs: int, *flags: str, extra: str = '') -> int:
        config = write_config(tmp_path, f'{SMALL}train_cfg = dict(max_epochs={epochs})\n{extra}')
        with one_thread():
            return train.main([str(config), '--work-dir', work_dir, *flags])

    return run


def epoch_of(path: str) -> int:
    return torch.load(path, weights_only=False)['meta']['epoch']
