"""Draw what a detector finds, beside the truth and its teachers: python tools/draw_detections.py CONFIG CHECKPOINT --images 8.

One PNG for each image of the test data: ground truth | student | teacher. The config is a distiller's or a plain detector's, the
checkpoint of a training or an exported one. Boxes only; small images are enlarged.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.weights import check_weights, weights_of
from mmkd_ext.config.cfg_options import OptionsAction
from mmkd_ext.datasets.listed_data import build_data
from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.sentences import one_line
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.models.build import build_model
from mmkd_ext.report.boxes import side_by_side
from mmkd_ext.running.argument_types import check_device, finite
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.model_config import model_config


def load_detector(cfg: Config, checkpoint: str) -> Any:
    """The config's detector or distiller in eval mode, its student with the checkpoint's weights."""
    read = read_checkpoint(checkpoint)
    model: Any = build_model(cfg)
    student = getattr(model, 'student', model)
    try:
        from mmdet.models.detectors import BaseDetector
    except ImportError as error:
        raise PreflightError(f"mmdet and mmcv's ops are needed, got {one_line(error)}: pip install -e '.[det]', then "
                             'tools/install_mmcv.sh.') from error  # fmt: skip
    if not isinstance(student, BaseDetector):
        raise PreflightError(
            f'A detector is needed, got {type(student).__name__}: name a config of configs/nd_loss_det, configs/dense, configs/query or '
            'mmdet.')
    check_weights(student, read, checkpoint)
    student.load_state_dict({k: v for k, v in weights_of(read, checkpoint).items() if k in student.state_dict()})
    return model


def test_data(cfg: Config) -> Any:
    """The data set of `test_dataloader`."""
    if not (cfg.get('test_dataloader') or {}).get('dataset'):
        raise PreflightError(f'Images with boxes are needed, got no test_dataloader.dataset in {cfg.filename}.')
    return build_data(cfg.test_dataloader.dataset, 'test')


def chosen(dataset: Any, images: Sequence[str]) -> list[int]:
    """Places in the data set: of a number of images, evenly spaced, or of images by path or file name."""
    size = len(dataset)
    if len(images) == 1 and images[0].isdecimal():
        number = min(int(images[0]), size)
        if not number:
            raise PreflightError(f'An image is needed, got --images {images[0]} of {size} in the test data.')
        return [i * size // number for i in range(number)]
    known = {Path(dataset.get_data_info(i)['img_path']): i for i in range(size)}
    names = {path.name: i for path, i in known.items()}
    places = [known.get(Path(image), names.get(image)) for image in images]
    if None in places:
        some = ', '.join(list(names)[:3])
        raise PreflightError(
            f'Images of the test data are needed, got {images[places.index(None)]}, which is none of its {size} ({some}, ...). '
            'Look at --images and test_dataloader.dataset.')
    return [place for place in places if place is not None]


def draw(argv: Sequence[str] | None = None) -> list[Path]:
    """Write the pictures, and name them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='of a distiller with detectors, or of a detector')
    parser.add_argument('checkpoint', help='of its training, or an exported one')
    parser.add_argument('--images', nargs='+', default=['4'], metavar='N or IMAGE', help='how many, evenly spaced, or which ones')
    parser.add_argument('--out', type=Path, default=Path('detections'), help='folder of the pictures (default: detections)')
    parser.add_argument('--score', type=finite, default=0.3, help='draw what is found with at least this score (default: 0.3)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help='key=value changes of the config')
    args = parser.parse_args(argv)
    check_output(args.out / 'image.png', 'Name another folder by --out.')
    check_device(args.device)
    cfg = model_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model = load_detector(cfg, local_checkpoint(args.checkpoint)).to(args.device)
    dataset = test_data(cfg)
    written = []
    for i in chosen(dataset, args.images):
        picture = side_by_side(model, dataset, i, args.score)
        path = args.out / f'{i:06d}_{Path(dataset.get_data_info(i)["img_path"]).stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
            raise PreflightError(f'A picture that can be written is needed, got {path}. Look at --out.')
        written.append(path)
        print(f'wrote {path}')
    return written


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 after an error that one sentence explains."""
    return run_checked(lambda: draw(argv))
