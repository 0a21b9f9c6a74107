"""Draw what a detector finds, beside the truth and its teachers: python tools/draw_detections.py CONFIG CHECKPOINT --images 8.

One PNG for each image of the test data: ground truth | student | teacher. The config is a distiller's or a plain detector's, the
checkpoint of a training or an exported one. Boxes only; small images are enlarged.
"""

import argparse
import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.weights import check_weights, weights_of
from mmkd_ext.config.cfg_options import OptionsAction
from mmkd_ext.datasets.listed_data import build_data
from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.sentences import one_line
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.models.build import build_model
from mmkd_ext.running.argument_types import check_device, finite
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.model_config import model_config

_SIDE = 400  # pixels that the shorter side of a panel has at least, so that the names can be read
_STRIP = 26  # of a caption


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


@torch.no_grad()
def found_by(model: Any, item: dict[str, Any]) -> dict[str, InstanceData]:
    """Detections of student and teachers in an image, in its own pixels; or those of a plain detector."""
    data = model.data_preprocessor(dict(inputs=[item['inputs']], data_samples=[item['data_samples']]), False)
    inputs, samples = data['inputs'], data['data_samples']
    found = {'student' if hasattr(model, 'teachers') else 'detector': model(inputs, copy.deepcopy(samples), mode='predict')}
    for name, teacher in getattr(model, 'teachers', {}).items():
        found[name] = teacher.predict(inputs, copy.deepcopy(samples))
    return {name: said[0].pred_instances.cpu() for name, said in found.items()}


def truth_of(info: dict[str, Any]) -> InstanceData:
    """The annotated boxes of an image."""
    instances = [x for x in info.get('instances', []) if not x.get('ignore_flag')]
    return InstanceData(
        bboxes=torch.tensor([x['bbox'] for x in instances]).reshape(-1, 4).float(),
        labels=torch.tensor([x['bbox_label'] for x in instances], dtype=torch.long))


def panel(image: np.ndarray, instances: InstanceData, caption: str, meta: dict[str, Any], score: float) -> np.ndarray:
    """An RGB image with boxes, names and scores under a caption.

    Args:
        image: (H, W, 3) RGB.
        instances: Boxes in its pixels, with scores or without.
        caption: Cut where it does not fit.
        meta: Of the data set: `classes`, `palette`.
        score: Below it, nothing is drawn.
    """
    from mmdet.structures import DetDataSample
    from mmdet.visualization import DetLocalVisualizer

    factor = max(1.0, _SIDE / min(image.shape[:2]))
    image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    height, width = image.shape[:2]
    kept = instances[instances.scores >= score] if 'scores' in instances else instances
    drawn = InstanceData(bboxes=kept.bboxes * factor, labels=kept.labels)
    drawn.bboxes = torch.minimum(drawn.bboxes.clamp(min=0), torch.tensor([width, height, width, height]) - 1.0)
    classes = meta.get('classes') or ()
    beyond = bool(len(drawn.labels)) and int(drawn.labels.max()) >= len(classes)  # a teacher of other classes
    names = [f'class {k}' if beyond else classes[k] for k in drawn.labels.tolist()]
    drawn.label_names = [f'{n} {s:.2f}' for n, s in zip(names, kept.scores.tolist(), strict=True)] if 'scores' in kept else names
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = {} if beyond else {'classes': classes, 'palette': meta.get('palette')}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of names that begin beyond the border
        visualizer.add_datasample('panel', image, DetDataSample(gt_instances=drawn), draw_pred=False)
    strip = np.full((_STRIP, width, 3), 255, dtype=np.uint8)
    cv2.putText(strip, caption, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([strip, visualizer.get_image()])


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
        info = dataset.get_data_info(i)
        pixels = cv2.imread(info['img_path'], cv2.IMREAD_COLOR)
        if pixels is None:
            raise PreflightError(f'An image that can be read is needed, got {info["img_path"]}. Look at data_prefix of the test data.')
        image = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        panels = [panel(image, truth_of(info), 'ground truth', dataset.metainfo, args.score)]
        for name, instances in found_by(model, dataset[i]).items():
            count = int((instances.scores >= args.score).sum())
            panels.append(panel(image, instances, f'{name}: {count} with score >= {args.score:g}', dataset.metainfo, args.score))
        path = args.out / f'{i:06d}_{Path(info["img_path"]).stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(panels, axis=1), cv2.COLOR_RGB2BGR)):
            raise PreflightError(f'A picture that can be written is needed, got {path}. Look at --out.')
        written.append(path)
        print(f'wrote {path}')
    return written


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 after an error that one sentence explains."""
    return run_checked(lambda: draw(argv))
