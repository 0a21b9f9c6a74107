"""Distil a model from a folder of images: python tools/distill.py --data FOLDER --student NETWORK --teacher NETWORK --method kd++.

A detector from a COCO file: --data boxes.json --images FOLDER [--val-data val.json] --student mmdet::... --teacher mmdet::...

Writes each step as a config into --out and runs it as tools/train.py would: the teacher is fine-tuned, the student trained alone and
distilled with the same budget, all are tested, the student exported, and report.html written. Started again, it keeps what is done and
goes on with what was killed.
"""

import argparse
import json
import os
import shlex
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.commands import export_student, report, test, train
from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.journey.boxes_file import read_scenes
from mmkd_ext.journey.detector_configs import check_detectors, write_detector_configs
from mmkd_ext.journey.detector_methods import DETECTOR_METHODS
from mmkd_ext.journey.detectors import chosen_detector, detector_settings
from mmkd_ext.journey.done_once import DoneOnce, origin_of
from mmkd_ext.journey.estimate import cost_of, plan_lines
from mmkd_ext.journey.image_folder import read_images
from mmkd_ext.journey.methods import METHODS
from mmkd_ext.journey.networks import Network, chosen_network
from mmkd_ext.journey.onnx_export import onnx_of
from mmkd_ext.journey.settings import Settings, settings_for
from mmkd_ext.journey.step_configs import Step, check_pair, put, steps_of, write_configs
from mmkd_ext.preflight.written_places import check_run_folder
from mmkd_ext.report.journey_record import record_file, record_text
from mmkd_ext.running.command_line import run_checked

_MOST_SEEDS = 1000


class Task(NamedTuple):
    """What differs between classifiers and detectors."""

    chosen: Callable[..., Network]
    settings: Callable[..., Settings]
    check: Callable[..., None]
    write: Callable[..., None]
    lists: tuple[str, str]
    metric: str
    scale: float


_CLASSIFY = Task(chosen_network, settings_for, check_pair, write_configs, ('train.txt', 'val.txt'), 'accuracy/top1', 1.0)
_DETECT = Task(
    chosen_detector, detector_settings, check_detectors, write_detector_configs, ('train.json', 'val.json'), 'coco/bbox_mAP', 100.0)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--data', required=True, metavar='FOLDER or FILE.json', help='train/CLASS/* and val/CLASS/*, or CLASS/*, which is split; or boxes')
    parser.add_argument('--images', metavar='FOLDER', help='of the images that the file of boxes names')
    parser.add_argument('--val-data', metavar='FILE.json', help='boxes of the validation images; without it some are held back')
    network = 'mmpretrain::NAME, timm/NAME, torchvision/NAME, cifar/NAME, mmdet::FOLDER/NAME.py or a config file'
    parser.add_argument('--student', required=True, metavar='NETWORK', help=network)
    parser.add_argument('--teacher', required=True, metavar='NETWORK', help='likewise')
    methods = tuple(dict.fromkeys((*METHODS, *DETECTOR_METHODS)))
    parser.add_argument('--method', choices=methods, default='kd++', help='which fits which networks: configs/README.md (default: kd++)')
    parser.add_argument('--teacher-checkpoint', metavar='FILE', help='weights of a teacher of these classes, which is then not fine-tuned')
    parser.add_argument('--epochs', type=int, help='of every training (default: by the number of images)')
    parser.add_argument('--batch-size', type=int, help='(default: by the number of images)')
    parser.add_argument('--seeds', type=int, default=1, metavar='N', help='the student is trained N times, for an interval')
    parser.add_argument('--val-share', type=float, default=0.2, help='of each class, where there is no val/')
    parser.add_argument('--split-seed', type=int, default=0, help='of that split')
    parser.add_argument('--no-baseline', action='store_true', help='do not train the student alone')
    parser.add_argument('--scratch', action='store_true', help="start from random weights, not from a zoo's")
    parser.add_argument('--amp', action='store_true', help='mixed precision; bfloat16 where there is no GPU')
    parser.add_argument('--out', type=Path, help='folder of all that is written (default: work_dirs/distill_<name of the data>)')
    parser.add_argument('--dry-run', action='store_true', help='show the plan, its time and its memory from a few steps, and stop')
    return parser.parse_args(argv)


def _check_numbers(args: argparse.Namespace) -> None:
    wrong = [
        f'{flag} needs a whole number of {least} or more, got {value}'
        for flag, value, least in (('--epochs', args.epochs, 1), ('--batch-size', args.batch_size, 2), ('--seeds', args.seeds, 1))
        if value is not None and value < least]
    if args.seeds > _MOST_SEEDS:
        wrong.append(f'--seeds needs {_MOST_SEEDS} trainings of the student at most, got {args.seeds}')
    if not 0 < args.val_share < 1:
        wrong.append(f'--val-share needs a number between 0 and 1, got {args.val_share}')
    if args.teacher_checkpoint:
        args.teacher_checkpoint = local_checkpoint(args.teacher_checkpoint)
    if args.teacher_checkpoint and not Path(args.teacher_checkpoint).is_file():
        wrong.append(f'--teacher-checkpoint needs a file, got {args.teacher_checkpoint}, which is not there')
    boxes = _has_boxes(args)
    wrong += [f'{flag} goes with --data FILE.json, got --data {args.data}' for flag, value in (
        ('--images', args.images), ('--val-data', args.val_data)) if value is not None and not boxes]
    if not boxes and args.method not in METHODS:
        wrong.append(f'--method of classifiers needs to be one of {", ".join(METHODS)}, got {args.method}')
    if wrong:
        raise PreflightError('; '.join(wrong) + '.')


def _has_boxes(args: argparse.Namespace) -> bool:
    return args.data.lower().endswith('.json')


def _check_out(out: Path, steps: Sequence[Step], task: Task) -> None:
    """Whether nothing stands in the place of what will be written, said before anything is done."""
    names = [*task.lists, 'student.pth', 'student.py', 'student.onnx', 'report.html', 'teacher.py']
    records = [f'steps/{step.name}{ending}' for step in steps for ending in ('.json', '.begun', '_test.json', '_test.begun')]
    for path in (*(out / name for name in (*names, *records)), *(step.config for step in steps)):
        check_output(path, 'Name another folder by --out.')
    for step in steps:
        check_run_folder(step.work_dir, flag='--out')


def distill(argv: Sequence[str] | None = None) -> None:
    """Plan, then do what is not done yet."""
    args = parse_args(argv)
    _check_numbers(args)
    task = _DETECT if _has_boxes(args) else _CLASSIFY
    data = Path(args.data).absolute()
    out = (args.out or Path('work_dirs') / f'distill_{data.stem if task is _DETECT else data.name}').absolute()
    steps = steps_of(out, range(args.seeds), not args.teacher_checkpoint, not args.no_baseline)
    _check_out(out, steps, task)
    images: Any
    if task is _DETECT:
        images = read_scenes(args.data, args.images, args.val_data, args.val_share, args.split_seed)
    else:
        images = read_images(args.data, args.val_share, args.split_seed)
    classes = len(images.classes)
    student = task.chosen(args.student, classes, '--student', args.scratch)
    teacher = task.chosen(args.teacher, classes, '--teacher', args.scratch)
    settings = task.settings(images, student, teacher, args.epochs, args.batch_size, os.cpu_count() or 1)
    given = args.teacher_checkpoint and str(Path(args.teacher_checkpoint).absolute())
    task.check(student, teacher, settings, args.method, given)
    remarks = [f'{classes} classes, {len(images.train)} training and {len(images.val)} validation images', *images.notes, *settings.reasons]
    print('\n'.join(remarks), flush=True)
    if args.dry_run:
        costs = [
            cost_of(network, side, settings, classes, args.amp)
            for network, side in ((student, settings.student_side), (teacher, settings.teacher_side))]
        print('\n'.join(plan_lines(steps, images, settings, *costs)))
        return
    weights = given or str(out / 'runs/teacher' / f'epoch_{settings.epochs}.pth')
    task.write(out, images, student, teacher, settings, args.method, steps, weights)
    journey = Journey(out, steps, args.amp, origin_of(*((out / each).read_text() for each in task.lists)), task)
    if given:
        journey.test_given(weights)
    for step in steps:
        if step.kind == 'distil' and step.seed == 0 and (warning := journey.warning()):
            print(f'warning: {warning}', file=sys.stderr, flush=True)
            remarks.append(warning)
        journey.train(step)
    note = journey.export(next(step for step in steps if step.kind == 'distil'), student)
    remarks += [note] if note else []
    words = ['mmkd', 'distill', *map(str, sys.argv[1:] if argv is None else argv)]
    put(record_file(out), record_text(shlex.join(words), remarks, [str(step.work_dir.relative_to(out)) for step in steps]))
    _succeed(report.main, [str(out), '--out', str(out / 'report.html')], 'the report')


class Journey:
    """The steps in a folder, each done once.

    Args:
        out: The folder.
        steps: The trainings.
        amp: Whether they run in mixed precision.
        data: A digest of the lists of images.
        task: Of its networks.
    """

    def __init__(self, out: Path, steps: Sequence[Step], amp: bool, data: str, task: Task = _CLASSIFY) -> None:
        self.out, self.steps, self.amp, self.data, self.task = out, steps, amp, data, task
        self.records = DoneOnce(out / 'steps', lambda text: print(f'[{text}]', flush=True))
        self.accuracies: dict[str, float] = {}
        self.checkpoints: dict[str, str] = {}
        self.origins: dict[str, str] = {}

    def train(self, step: Step) -> None:
        """Train and test; a distillation depends on its teacher's training too."""
        config = load_config(str(step.config)).to_dict()
        origin = origin_of(config, self.data, self.amp, self.origins.get('teacher') if step.kind == 'distil' else None)

        def work(resume: bool) -> dict[str, Any]:
            flags = [*(['--amp'] if self.amp else []), *(['--resume'] if resume else [])]
            _succeed(train.main, [str(step.config), *flags], f'the training {step.name}')
            return {'files': [(step.work_dir / 'last_checkpoint').read_text().strip()]}

        (checkpoint,) = self.records.do(step.name, origin, work)['files']
        self._test(step.name, step.config, checkpoint, origin)

    def test_given(self, checkpoint: str) -> None:
        """The teacher that was given."""
        stat = os.stat(checkpoint)
        self._test('teacher', self.out / 'teacher.py', checkpoint, origin_of(self.data, checkpoint, stat.st_size, stat.st_mtime_ns))

    def _test(self, name: str, config: Path, checkpoint: str, origin: str) -> None:
        def work(_: bool) -> dict[str, Any]:
            file = self.out / 'steps' / f'{name}.metrics.json'
            words = [str(config), checkpoint, '--work-dir', str(self.out / 'runs' / f'{name}_test'), '--out', str(file)]
            _succeed(test.main, [*words, '--out-item', 'metrics'], f'the test of {name}')
            metrics = json.loads(file.read_text()) or {self.task.metric: 0.0}  # mmdet has none for a detector that finds nothing
            return {'accuracy': self.task.scale * metrics[self.task.metric]}

        self.accuracies[name] = self.records.do(f'{name}_test', origin, work)['accuracy']
        self.checkpoints[name], self.origins[name] = checkpoint, origin

    def warning(self) -> str | None:
        """Said before the hours of distillation: a teacher that knows less than the student alone."""
        alone = [self.accuracies[step.name] for step in self.steps if step.kind == 'alone']
        teacher = self.accuracies['teacher']
        if not alone or teacher > statistics.mean(alone):
            return None
        return (
            f'the teacher has {teacher:.2f} % and the student alone {statistics.mean(alone):.2f} %: a teacher that is no better can hardly '
            'help. Take a larger one, or train it longer (--epochs).')

    def export(self, step: Step, student: Network) -> str | None:
        """Write the plain student of the first seed, with ONNX where there is an export of its kind; a remark on that."""
        onnx, remark = onnx_of(student)
        words = [str(step.config), self.checkpoints[step.name], str(self.out / 'student.pth')]

        def work(_: bool) -> dict[str, Any]:
            done = onnx and export_student.main([*words, '--onnx']) == 0
            note = 'no ONNX: its export failed, see the error above' if onnx and not done else remark
            if not done:
                _succeed(export_student.main, words, 'the export')
            endings = ['pth', 'py', *(['onnx'] if done else [])]
            if note:
                print(note, flush=True)
            return {'note': note, 'files': [str(self.out / f'student.{ending}') for ending in endings]}

        return self.records.do('export', origin_of(self.origins[step.name], onnx), work)['note']


def _succeed(command: Callable[[Sequence[str]], int], words: list[str], what: str) -> None:
    if command(words):
        raise PreflightError(f'{what} failed, see the error above. Mend its cause and start the same command again: what is done is kept.')


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: distill(argv))
