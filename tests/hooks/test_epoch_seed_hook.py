"""Seeds that follow from the progress alone."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import DataLoader, Dataset

from mmkd_ext.hooks import epoch_seed_hook
from mmkd_ext.hooks.epoch_seed_hook import EpochSeedHook


class Noise(Dataset):
    """What augmentation draws, from each of the three sources."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.tensor([random.random(), np.random.rand(), torch.rand(()).item()])


@pytest.fixture(autouse=True)
def random_state_kept():
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])


def epochs(numbers, workers=0, seed=5, rank=0):
    """The batches of some epochs of a new process's loader."""
    data = Noise()
    loader = DataLoader(data, num_workers=workers, batch_size=3, sampler=DefaultSampler(data, shuffle=False, seed=seed))
    runner = SimpleNamespace(seed=seed, rank=rank, epoch=0, iter=0, train_dataloader=loader, train_loop=None)
    hook = EpochSeedHook()
    hook.before_run(runner)
    hook.before_train(runner)
    drawn = []
    for runner.epoch in numbers:
        hook.before_train_epoch(runner)
        drawn.append(torch.cat(list(loader)))
    return drawn


@pytest.mark.parametrize('workers', [0, 2])
def test_an_epoch_draws_the_same_whatever_ran_before_it(workers):
    torch.rand(7)
    _, _, whole = epochs([0, 1, 2], workers)
    (resumed,) = epochs([2], workers)
    assert torch.equal(whole, resumed)


@pytest.mark.parametrize('workers', [0, 2])
def test_epochs_ranks_and_seeds_draw_differently(workers):
    streams = [*epochs([0, 1], workers), *epochs([0], workers, rank=1), *epochs([0], workers, seed=6)]
    values = torch.cat(streams).flatten()
    assert len(values.unique()) == len(values)


def test_a_seed_that_a_checkpoint_brings_reaches_the_sampler():
    data = Noise()
    for own, after in ((5, 9), (7, 7)):  # the runner's seed is replaced, one that the config gave the sampler is not
        loader = DataLoader(data, sampler=DefaultSampler(data, shuffle=True, seed=own))
        runner = SimpleNamespace(seed=5, rank=0, train_dataloader=loader, train_loop=None)
        hook = EpochSeedHook()
        hook.before_run(runner)
        runner.seed = 9
        hook.before_train(runner)
        assert loader.sampler.seed == after


@pytest.mark.parametrize('persistent', [True, False])
def test_persistent_workers_are_warned_about_once(monkeypatch, persistent):
    said = []
    monkeypatch.setattr(epoch_seed_hook, 'print_log', lambda text, *_: said.append(text))
    data = Noise()
    loader = DataLoader(data, num_workers=1, persistent_workers=persistent)
    runner = SimpleNamespace(seed=5, rank=0, train_dataloader=loader, train_loop=None)
    hook = EpochSeedHook()
    hook.before_run(runner)
    hook.before_train(runner)
    assert ['resumed run draws other augmentations' in text for text in said] == [True] * persistent
