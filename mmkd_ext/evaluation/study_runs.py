"""The runs of a study: teachers, starting weights and variants, each trained once and kept until its config changes."""

import hashlib
import io
import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import torch
from mmengine.utils import import_modules_from_strings

from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend
from mmkd_ext.config.cfg_options import merge_options
from mmkd_ext.config.load_config import load_config
from mmkd_ext.engine.bound_process import run_bound
from mmkd_ext.engine.random_state import random_state_kept, seed_everything
from mmkd_ext.errors import PreflightError
from mmkd_ext.models.build import build_model
from mmkd_ext.models.plain_config import plain_config, plain_model

from .study_plan import variant_config

_ONE_CHECKPOINT = ('default_hooks.checkpoint.save_best=None', 'default_hooks.checkpoint.interval=1000000')


def digest(config: Path, seed: int, metric: str, also: dict | None = None) -> str:
    """A digest of all that a result depends on: the whole config with its bases, the seed and the metrics, as 16 hex digits."""
    asked = [load_config(str(config)).to_dict(), seed, metric, *([also] if also else [])]
    resolved = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(resolved.encode()).hexdigest()[:16]


def _finished(record: Path, asked: str) -> dict | None:
    """The result of an earlier call, unless it is of another config."""
    if not record.exists():
        return None
    try:
        run = json.loads(record.read_text())
        known = run.get('digest')
    except (ValueError, AttributeError):
        run = known = None
    if known == asked:
        return run
    print(f'{record} is of another config, seed or metric ({known or "no digest"}, now {asked}): it runs again.', flush=True)
    return None


def run_once(config: Path, work_dir: Path, seed: int, options: Sequence[str] = (), quiet: bool = True) -> float:
    """Train once in a process of its own and return the seconds it took.

    Raises:
        PreflightError: the run failed; its last line is quoted.
    """
    command = [sys.executable, '-u', '-m', 'mmkd_ext.commands.train', str(config), '--work-dir', str(work_dir)]
    command += ['--cfg-options', f'randomness.seed={seed}', *options]
    start = time.perf_counter()
    work_dir.mkdir(parents=True, exist_ok=True)
    if quiet:
        with open(work_dir / 'output.txt', 'w') as log:
            code = run_bound(command, stdout=log, stderr=subprocess.STDOUT)
    else:
        code = run_bound(command)
    if code:
        lines = (work_dir / 'output.txt').read_text().strip().splitlines() if quiet else []
        last = lines[-1] if lines else 'see above'
        raise PreflightError(f'A run that ends well is needed, got exit code {code} from {work_dir}: {last}')
    return time.perf_counter() - start


def scores(work_dir: Path, metric: str) -> list[float]:
    """The validation metric of every epoch of a run's newest log."""
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not logs:
        raise PreflightError(f'A run with vis_data/scalars.json is needed, got none in {work_dir}. Did it train?')
    try:
        lines = [json.loads(line) for line in logs[-1].read_text().splitlines()]
    except ValueError as error:  # a disk that was full, a killed process
        raise PreflightError(f'A log with JSON on every line is needed, got {logs[-1]}: {error}. Was it cut? Remove {work_dir}.') from error
    values = [line[metric] for line in lines if metric in line]
    if not values:
        known = ', '.join(sorted({key for line in lines for key in line}))
        raise PreflightError(f'A metric that the run logs is needed, got {metric!r}; {logs[-1]} has {known}.')
    if not all(isinstance(value, int | float) for value in values):
        raise PreflightError(f'A metric of one number is needed, got {metric!r} with {values[-1]!r:.80} in {logs[-1]}.')
    return values


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    AtomicBackend().put(text.encode(), path)


class Study:
    """The runs of a plan in a folder.

    Args:
        plan: As `load_plan` gives it.
        out: The folder.
    """

    def __init__(self, plan: Any, out: Path) -> None:
        self.plan, self.out = plan, out
        self.failed = Event()
        self.teachers: dict[str, tuple[Path, str]] = {}
        self.also, self.scale = plan.get('also') or {}, 100.0 if plan.get('unit') == 'percent' else 1.0

    def teacher(self, name: str, each: dict) -> tuple[Path, str]:
        """Train a teacher unless that is done; its last checkpoint, and what that is a result of."""
        folder = self.out / 'teachers' / name
        config = variant_config(each, folder)
        asked = digest(config, 0, self.plan.metric)
        run = self._checkpointed(config, folder, 0, asked, [f'needed_metrics={self.plan.metric}'], scored=True)
        print(f'teacher {name}: last {self.scale * run["last"]:.2f}, best {self.scale * run["best"]:.2f}', flush=True)
        return folder / run['checkpoint'], asked

    def before(self, name: str, seed: int, each: Any) -> tuple[str, str]:
        """Train what goes before a variant, with its seed: the option that gives the variant the last checkpoint, and its digest."""
        folder = self.out / name / 'before'
        config, work_dir, teacher = folder / 'config.py', folder / f'seed{seed}', self.teachers.get(each.get('teacher'))
        asked = digest(config, seed, self.plan.metric, {'teacher': teacher[1]} if teacher else None)
        options = [f'model.teacher.checkpoint={teacher[0]}'] if teacher else []
        run = self._checkpointed(config, work_dir, seed, asked, options, scored=False)
        return f'{each.option}={work_dir / run["checkpoint"]}', asked

    def _checkpointed(self, config: Path, folder: Path, seed: int, asked: str, options: list[str], scored: bool) -> dict:
        """Train once for the last checkpoint, unless that is done."""
        run = _finished(folder / 'result.json', asked)
        if run is None or not (folder / run['checkpoint']).is_file():
            seconds = run_once(config, folder, seed, [*_ONE_CHECKPOINT, *options])
            last = (folder / 'last_checkpoint').read_text().strip()
            values = scores(folder, self.plan.metric) if scored else []
            run = dict(last=values[-1], best=max(values)) if values else {}
            run |= dict(seconds=seconds, digest=asked, checkpoint=Path(last).name)
            write_text(folder / 'result.json', json.dumps(run))
        return run

    def start(self, seed: int) -> Path:
        """The plain network's initial weights of a seed, drawn and pretrained ones, as a file that every variant loads."""
        path = self.out / 'start' / f'seed{seed}.pth'
        cfg = load_config(self.plan.same_start)
        merge_options(cfg, self.plan.get('options'), self.plan.same_start, "The study's options")
        if cfg.get('custom_imports'):
            import_modules_from_strings(**cfg.custom_imports)
        with random_state_kept():
            seed_everything(seed)
            plain = plain_config(cfg)
            plain.model = plain_model(cfg.model)  # with the weights that it starts from
            model: Any = build_model(plain, pretrained=True)
            logging.disable(logging.INFO)  # or a line for each weight
            try:
                model.init_weights()
            finally:
                logging.disable(logging.NOTSET)
        content = io.BytesIO()
        torch.save({'state_dict': model.state_dict(), 'meta': {}}, content)
        AtomicBackend().put(content.getvalue(), path)
        return path

    def run(self, *which: Any) -> dict | None:
        """The result of one run; none after one that failed."""
        if self.failed.is_set():
            return None
        try:
            return self._run(*which)
        except BaseException:
            self.failed.set()
            raise

    def _run(self, name: str, seed: int, teacher: tuple[Path, str] | None, start: Path | None) -> dict:
        """The result of one run, or that of an earlier call with the same digest."""
        work_dir = self.out / name / f'seed{seed}'
        record, config = work_dir / 'result.json', self.out / name / 'config.py'
        before = self.plan.variants[name].get('before')
        given, made = self.before(name, seed, before) if before else ('', None)
        origin = {'teacher': teacher[1] if teacher else None, 'start': self.plan.get('same_start'), 'before': made}
        asked = digest(config, seed, self.plan.metric, {**self.also, **{key: value for key, value in origin.items() if value}})
        run = _finished(record, asked)
        if run is None:
            metrics = dict.fromkeys([self.plan.metric, *(each for several in self.also.values() for each in several)])
            options = [*_ONE_CHECKPOINT, f'needed_metrics={",".join(metrics)}', *([given] if given else [])]
            options += [f'model.teacher.checkpoint={teacher[0]}'] if teacher else []
            options += [f'load_from={start}'] if start else []
            seconds = run_once(config, work_dir, seed, options)
            values = scores(work_dir, self.plan.metric)
            run = dict(seed=seed, last=values[-1], best=max(values), seconds=seconds, digest=asked)
            if self.also:
                run['also'] = {
                    column: statistics.mean(scores(work_dir, each)[-1] for each in several) for column, several in self.also.items()}
            write_text(record, json.dumps(run))
        return run

    def runs(self, seeds: Sequence[int], jobs: int) -> dict[str, list[dict]]:
        """All results, by variant. Seed by seed, so that an unfinished study compares what it has."""
        for name, variant in self.plan.variants.items():
            variant_config(variant, self.out / name, self.plan.get('options'))
            if variant.get('before'):
                variant_config(variant.before, self.out / name / 'before')
        for name, each in (self.plan.get('teachers') or {}).items():  # all configs before the first training
            variant_config(each, self.out / 'teachers' / name)
        if self.plan.get('same_start'):
            load_config(self.plan.same_start)
        self.teachers = teachers = {name: self.teacher(name, each) for name, each in (self.plan.get('teachers') or {}).items()}
        starts = {seed: self.start(seed) if self.plan.get('same_start') else None for seed in seeds}
        wanted = [(name, seed) for seed in seeds for name in self.plan.variants]
        results: dict[str, list[dict]] = {name: [] for name in self.plan.variants}
        with ThreadPoolExecutor(jobs) as pool:
            asked = {
                key: pool.submit(self.run, *key, teachers.get(self.plan.variants[key[0]].get('teacher')), starts[key[1]]) for key in wanted}
            for done, ((name, seed), each) in enumerate(asked.items(), start=1):
                last: Any = each.result()
                if last is None:  # a later one failed first
                    continue
                results[name].append(last)
                found = f'last {self.scale * last["last"]:.2f}, best {self.scale * last["best"]:.2f}'
                print(f'[{done}/{len(wanted)}] {name}, seed {seed}: {found}', flush=True)
        return results
