"""Detections beside the truth and the teachers', drawn on their images."""

import copy
import warnings
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.structures import InstanceData

from mmkd_ext.errors import PreflightError

_SIDE = 400  # pixels that the shorter side of a panel has at least, so that the names can be read
_STRIP = 26  # of a caption


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


def image_of(info: dict[str, Any]) -> np.ndarray:
    """The RGB image (H, W, 3) of a data set's record.

    Raises:
        PreflightError: Its file cannot be read.
    """
    pixels = cv2.imread(info['img_path'], cv2.IMREAD_COLOR)
    if pixels is None:
        raise PreflightError(f'An image that can be read is needed, got {info["img_path"]}. Look at data_prefix of the test data.')
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def side_by_side(model: Any, dataset: Any, place: int, score: float, order: tuple[str, ...] = ()) -> np.ndarray:
    """The ground truth, then what the student and its teachers find in an image, as one RGB picture.

    Args:
        model: A detector, or a distiller of detectors.
        dataset: Of images with boxes.
        place: Of the image in it.
        score: Below it, nothing is drawn.
        order: Names of networks that come first.
    """
    info = dataset.get_data_info(place)
    image = image_of(info)
    panels = [panel(image, truth_of(info), 'ground truth', dataset.metainfo, score)]
    found = found_by(model, dataset[place])
    for name in sorted(found, key=lambda name: order.index(name) if name in order else len(order)):
        count = int((found[name].scores >= score).sum())
        panels.append(panel(image, found[name], f'{name}: {count} with score >= {score:g}', dataset.metainfo, score))
    return np.concatenate(panels, axis=1)
