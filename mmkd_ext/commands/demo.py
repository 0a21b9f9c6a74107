"""Demonstration in a few minutes on a CPU: python tools/demo.py.

Train a small network plainly and with TESKD, test both, export, draw, and print one table.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.utils import import_modules_from_strings
from torch import Tensor, nn

from mmkd_ext.benchmark.steps import deployed_size
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import plot_curves
from mmkd_ext.config.cfg_options import OptionsAction
from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.student_accuracy import StudentAccuracy
from mmkd_ext.evaluation.study_plan import variant_config
from mmkd_ext.evaluation.study_runs import run_once
from mmkd_ext.export.export_student import export_student
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.models.build import build_model, input_shape
from mmkd_ext.preflight.written_places import check_run_folder
from mmkd_ext.running.command_line import run_checked


def last_checkpoint(folder: Path) -> Path:
    """The last checkpoint of the run that has just ended in `folder`; an older run may have left files of later epochs there."""
    marker = folder / 'last_checkpoint'
    if not marker.is_file():
        raise PreflightError(
            f'The demo needs a checkpoint of its run, got none in {folder}. Look at default_hooks.checkpoint.'
        )
    written = Path(marker.read_text())  # absolute, where `folder` may not be
    return folder / written.name if (folder / written.name).is_file() else written


def load(config: Config, checkpoint: Path) -> Any:
    """A trained network in eval mode; its students, if it has any, run too."""
    config = copy.deepcopy(config)
    if 'TESKD' in config.model.neck.type:
        config.model.neck.eval_students = True
    model = build_model(config)
    model.load_state_dict(read_checkpoint(checkpoint, needs=('state_dict',))['state_dict'])
    return model


@torch.no_grad()
def accuracies(model: Any, config: Config) -> dict[str, float]:
    """Accuracy in percent on the test images, of the network and of each student."""
    from mmengine.registry import init_default_scope
    from mmengine.runner import Runner

    init_default_scope('mmpretrain')
    loader = Runner.build_dataloader({**config.test_dataloader, 'collate_fn': dict(type='mmkd_ext.whole_batches')})
    metric = StudentAccuracy()
    for batch in loader:
        metric.process(batch, [sample.to_dict() for sample in model.test_step(batch)])
    return metric.compute_metrics(metric.results)


class StudentPath(nn.Module):
    """The network that predicts as student i: the backbone, the way down to its map, its branch and its classifier."""

    def __init__(self, model: Any, i: int) -> None:
        super().__init__()
        neck, head = model.neck, model.head
        self.call = lambda x: head.students[i](neck.branches[i](list(neck.student_maps(model.backbone(x), i))[-1][1]))
        parts = [
            model.backbone,
            *neck.laterals[i:],
            *neck.upsamples[i:],
            *neck.fusions[i:],
            neck.branches[i],
            head.students[i],
        ]
        self.parts = nn.ModuleList(parts)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to the student's logits."""
        return self.call(images)


@torch.no_grad()
def milliseconds(calls: Sequence[Callable[[], object]], rounds: int = 20) -> list[float]:
    """Median time of each call, the calls in turn, so that what slows the machine down slows all of them."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, seen in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            if number:  # the first round warms up
                seen.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(seen) for seen in times]


Row = tuple[str, float, int, Callable[[], object]]


def rows(name: str, model: Any, config: Config) -> list[Row]:
    """Name, accuracy, parameters, and a call on a batch of 64: of the deployed network, then of each student."""
    shape = input_shape(config)
    images = torch.randn(64, *shape)
    found = accuracies(model, config)
    students = len(getattr(model.head, 'students', []))
    if students:
        model.neck.eval_students = False
    parameters = deployed_size(model, shape)[0]
    table: list[Row] = [(name, found['top1'], parameters, partial(model, images))]
    for i in range(students):
        path = StudentPath(model, i).eval()
        count = sum(p.numel() for p in path.parts.parameters())
        table.append((f'{name} student {i + 1}', found[f'student{i + 1}_top1'], count, partial(path, images)))
    return table


def demo(argv: Sequence[str] | None = None) -> None:
    """Run the demonstration and leave its files in one folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', default='configs/teskd/r18_digits.py')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help='key=value changes for both runs')
    args = parser.parse_args(argv)
    start = time.perf_counter()
    for name in ('table.txt', 'curves.png', f'teskd_{Path(args.config).stem}.pth', 'plain/config.py', 'teskd/config.py'):
        check_output(args.out / name, 'Name another folder by --out.')
    for name in ('plain', 'teskd'):
        check_run_folder(args.out / name, flag='--out')
    cfg = load_config(args.config)
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    MMLogger.get_instance('mmkd_ext_demo', log_level='ERROR')
    options = args.cfg_options or {}
    variants = {
        'plain': dict(config=args.config, plain=True, options=options),
        'TESKD': dict(config=args.config, options=options),
    }
    table: list[Row] = []
    checkpoints: dict[str, Path] = {}
    for number, (name, variant) in enumerate(variants.items(), 1):
        folder = args.out / name.lower()
        print(f'== {number}/4 train {name}: {args.config}{" without TESKD" if name == "plain" else ""}', flush=True)
        config = variant_config(variant, folder)
        run_once(config, folder, seed=0, quiet=False)
        checkpoints[name] = last_checkpoint(folder)
    print('== 3/4 test both', flush=True)
    configs = {name: load_config(str(args.out / name.lower() / 'config.py')) for name in variants}
    for name, config in configs.items():
        table += rows(name, load(config, checkpoints[name]), config)
    print('== 4/4 export and draw', flush=True)
    out = args.out / f'teskd_{Path(args.config).stem}.pth'
    exported = export_student(configs['TESKD'], checkpoints['TESKD'], out)
    picture = plot_curves.plot({name: args.out / name.lower() for name in variants}, args.out / 'curves.png')
    lines = ['network              accuracy %   parameters   ms per 64 images']
    times = milliseconds([call for *_, call in table])
    lines += [
        f'{name:20} {accuracy:10.2f}   {count:10,}   {ms:16.1f}' for (name, accuracy, count, _), ms in zip(table, times, strict=True)]
    (args.out / 'table.txt').write_text('\n'.join(lines) + '\n')
    print('\n'.join(lines))
    print(f'checkpoint  {checkpoints["TESKD"]}\nexported    {", ".join(map(str, exported))}\ncurves      {picture}')
    print(f'took        {time.perf_counter() - start:.0f} s')


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: demo(argv))
