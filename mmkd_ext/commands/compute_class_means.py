"""Make the class means of a distiller's teacher by hand, and draw them: python tools/compute_class_means.py CONFIG.

Training makes them itself; what is made here it finds. The picture shows how long the means are and how alike their directions.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmkd_ext.class_means.compute import ClassMeans, clean_data, means_of_teacher
from mmkd_ext.commands.plot_curves import check_picture, write_picture
from mmkd_ext.config.cfg_options import OptionsAction
from mmkd_ext.datasets.listed_data import build_data
from mmkd_ext.errors import PreflightError, check_whole
from mmkd_ext.files.writable_places import check_folder, check_output, check_work_dir
from mmkd_ext.models.build import build_model
from mmkd_ext.running.argument_types import check_device, positive
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.model_config import model_config


def compute(
    cfg: Config, teacher: str | None, path: Path | None, folder: Path, clean: bool, device: str, limit: int | None = None
) -> ClassMeans:
    """Class means of a teacher of the config's distiller, from their file or by a pass over the training data."""
    if not isinstance(cfg.get('model'), dict) or not isinstance((cfg.get('train_dataloader') or {}).get('dataset'), dict):
        lacking = 'train_dataloader.dataset' if isinstance(cfg.get('model'), dict) else 'model'
        raise PreflightError(f'A config of a distiller with its data is needed, got one without {lacking}: look at {cfg.filename}.')
    check_device(device)
    model: Any = build_model(cfg)
    teachers = getattr(model, 'teachers', {})
    name = teacher or next(iter(teachers), None)
    if name not in teachers:
        raise PreflightError(
            f'A config with a frozen teacher is needed, got {type(model).__name__} with the teachers '
            f'{", ".join(teachers) or "none"}{f" and --teacher {teacher}" if teacher else ""}. Look at model.teacher.'
        )
    model.to(device)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    if clean:
        loader, dataset = clean_data(cfg)
    else:
        loader, dataset = dict(cfg.train_dataloader), build_data(cfg.train_dataloader.dataset, 'train')
    if cfg.get('default_scope', 'mmpretrain') == 'mmpretrain':  # detection takes lists
        loader.setdefault('collate_fn', dict(type='default_collate'))
    seed = (cfg.get('randomness') or {}).get('seed') or 0
    check_whole('randomness', 0, seed=seed)
    return means_of_teacher(model, teachers[name], loader, dataset, path, folder, seed, limit)


def draw(found: ClassMeans, out: Path) -> Path:
    """Write a picture: the norm of every class mean, and the cosine of every two."""
    means = found.means.double()  # a class without samples stays empty
    norms = means.norm(dim=1)
    cosines = (means / norms[:, None]) @ (means / norms[:, None]).t()
    figure = Figure(figsize=(11, 5), layout='constrained')
    left, right = figure.subplots(1, 2)
    classes = range(len(means))
    left.bar(classes, norms.tolist(), width=0.8 if len(means) <= 100 else 1.0)
    left.set(title='norm of the class means', xlabel='class', ylabel='norm', xlim=(-0.6, len(means) - 0.4))
    image = right.imshow(cosines.numpy(), cmap='RdBu_r', vmin=-1, vmax=1, interpolation='nearest')
    figure.colorbar(image, ax=right, shrink=0.8)
    right.set(title='cosine between class means', xlabel='class', ylabel='class')
    if len(means) <= 25:
        left.set_xticks(classes, found.names, rotation=90)
        right.set_xticks(classes, found.names, rotation=90)
        right.set_yticks(classes, found.names)
    return write_picture(figure, out)


def report(found: ClassMeans) -> str:
    """A few lines on what was found."""
    kept = found.counts > 0
    means, names = found.means.double()[kept], [name for name, there in zip(found.names, kept.tolist(), strict=True) if there]
    norms = means.norm(dim=1)
    cosines = torch.nn.functional.normalize(means) @ torch.nn.functional.normalize(means).t()
    absent = f', {len(kept) - len(means)} without samples' if len(means) < len(kept) else ''
    cosines.fill_diagonal_(-2)
    place = int(cosines.argmax())
    a, b = divmod(place, len(means))
    return (
        f'classes   {len(found.means)} of width {means.shape[1]}; '
        f'{int(found.counts[kept].min())} to {int(found.counts.max())} samples{absent}\n'
        f'norms     {norms.min():.2f} to {norms.max():.2f}, mean {norms.mean():.2f}\n'
        f'closest   {names[a]} and {names[b]}, cosine {cosines.flatten()[place]:.3f}'
    )


def class_means(argv: Sequence[str] | None = None) -> None:
    """Make or read the means, then say and draw what they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='a config of a distiller')
    parser.add_argument('--work-dir', type=Path, help='of the training that will use them (default: as of tools/train.py)')
    parser.add_argument('--file', help='relative to the work dir, as `file` of ClassMeansHook (default: the shared cache)')
    parser.add_argument('--teacher', help='its name, where the distiller has several')
    parser.add_argument('--clean', action='store_true', help='without the training augmentation, as `clean` of the hook')
    parser.add_argument('--max-images', type=positive, help='evenly spaced, as `max_images` of the hook (default: all)')
    parser.add_argument('--plot', type=Path, help='the picture (default: beside the file, .png)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help='key=value changes of the config')
    args = parser.parse_args(argv)
    cfg = model_config(args.config, args.cfg_options)
    work_dir = args.work_dir or Path('work_dirs') / Path(args.config).stem
    if args.file == '':
        raise PreflightError('The name of a file is needed as --file, got none; leave it out for one in the shared folder.')
    check_folder(work_dir, 'Name another by --work-dir.')
    path = None if args.file is None else work_dir / args.file
    folder = work_dir.parent / 'class_means' if path is None else path.parent
    check_work_dir(str(folder))
    if path is not None:
        check_output(path, 'Look at --file.')
    if args.plot is not None:  # before the pass over the data, not after it
        check_picture(args.plot, '--plot')
        check_output(args.plot, 'Look at --plot.')
    found = compute(cfg, args.teacher, path, folder, args.clean, args.device, args.max_images)
    print(report(found))
    print(f'file      {found.path}\npicture   {draw(found, args.plot or found.path.with_suffix(".png"))}')


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: class_means(argv))
