"""EpochSeedHook: random state from (seed, epoch, rank), so that a resumed run goes on exactly."""

from collections.abc import Callable
from functools import partial
from logging import WARNING
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmkd_ext.engine.random_state import seed_everything
from mmkd_ext.registry import HOOKS


def _seed_worker(worker_id: int, key: tuple[int, ...], first: Callable[[int], None] | None) -> None:
    """Seed a loader's worker, after mmengine's own seeding of it."""
    if first is not None:
        first(worker_id)
    seed_everything(*key, worker_id + 1)


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed each epoch's augmentation and dropout from (seed, epoch, rank), so that a resumed run goes on exactly.

    The runner saves no random state, and it gives the workers the same seeds in every epoch. With this hook the main
    process and the loader's workers start every epoch from a state of its own, which a run that was killed and resumed
    reaches as well; a seed that the runner drew itself is handed to the sampler again on resume.

    Exact are: epoch loops with any number of workers that end with the epoch (`persistent_workers=False`), and
    iteration loops with `num_workers=0`, which are seeded before every iteration. In the other cases the samples come
    in the same order, but a resumed run draws other augmentations: the hook says so once.

    Example:
        In a config:

        >>> default_hooks = dict(epoch_seed=dict(type='mmkd_ext.EpochSeedHook'))
        >>> HOOKS.build(default_hooks['epoch_seed']).priority
        'VERY_HIGH'
    """

    priority = 'VERY_HIGH'  # before any hook that draws random numbers

    def before_run(self, runner: Runner) -> None:
        """Remember the seed that the loader was built with, before a checkpoint replaces it."""
        self._built_with = runner.seed

    def before_train(self, runner: Runner) -> None:
        """Prepare the loader; a checkpoint has been loaded by now."""
        loader = runner.train_dataloader
        self._by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        self._first: Callable[[int], None] | None = loader.worker_init_fn
        # The loader would draw its workers' base seed from the main process's stream, at a moment that differs in a
        # resumed run.
        loader.generator = torch.Generator()
        sampler = _sampler(loader)
        if getattr(sampler, 'seed', None) == self._built_with:  # and not one of the config's own
            sampler.seed = runner.seed
        if loader.num_workers > 0 and (self._by_iter or loader.persistent_workers):
            what = 'an iteration loop with worker processes' if self._by_iter else 'persistent_workers=True'
            print_log(
                f'EpochSeedHook: with {what} a resumed run draws other augmentations than an uninterrupted one.',
                'current',
                WARNING,
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed the main process, and tell the workers that this epoch starts how to seed themselves."""
        self._seed(runner)
        runner.train_dataloader.worker_init_fn = partial(_seed_worker, key=self._key(runner), first=self._first)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: dict | None = None
    ) -> None:
        """In an iteration loop, seed for the next iteration before its batch is loaded."""
        if self._by_iter:
            seed_everything(*self._key(runner, ahead=1))

    def after_val(self, runner: Runner) -> None:
        """In an iteration loop, undo what a validation drew: a resumed run may not repeat it."""
        if getattr(self, '_by_iter', False):
            self._seed(runner)

    def _seed(self, runner: Runner) -> None:
        seed_everything(*self._key(runner))

    def _key(self, runner: Runner, ahead: int = 0) -> tuple[int, ...]:
        return runner.seed, runner.rank, (runner.iter if self._by_iter else runner.epoch) + ahead


def _sampler(loader: DataLoader) -> Any:
    """The sampler that draws the order; a custom batch sampler has it inside."""
    return loader.sampler if hasattr(loader.sampler, 'seed') else getattr(loader.batch_sampler, 'sampler', None)
