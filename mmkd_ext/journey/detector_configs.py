"""The steps of a journey of detectors as configs in its folder, from which a user can go on by hand."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmkd_ext.errors import PreflightError
from mmkd_ext.models.outputs.kinds.known import kind_of_config

from .boxes_file import Scenes
from .detector_methods import DETECTOR_METHODS, detector_hooks, detector_losses
from .detectors import image_scale, optimizer_of_detector
from .networks import Network
from .settings import Settings
from .step_configs import Step, check_made, config_text, put, step_page

_RUNTIME = 'mmkd_ext::_base_/default_runtime_det.py'
_META = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')


def write_detector_configs(
    out: Path, scenes: Scenes, student: Network, teacher: Network, settings: Settings, method: str, steps: Sequence[Step], checkpoint: str
) -> None:
    """Write both parts of the annotations and all configs; what says the same already stays as it is.

    Args:
        out: The folder.
        scenes: The data.
        student: The detector that is shipped.
        teacher: The one that it learns from.
        settings: Epochs, sizes, batches.
        method: One of `DETECTOR_METHODS`.
        steps: What will be run.
        checkpoint: The teacher's weights, where the fine-tuning leaves them or as they were given.
    """
    for name, content in (('train', scenes.train_file), ('val', scenes.val_file)):
        put(out / f'{name}.json', json.dumps(content))
    put(out / 'images.py', config_text('The images and their boxes.', [], _data(out, scenes, settings, (student, teacher))))
    fine = {'model': teacher.model, **_schedule(teacher, scenes, settings)}
    put(out / 'teacher.py', step_page(out, 'teacher', f'The teacher: {teacher.name}.', 'images.py', fine, 0, _RUNTIME))
    spec = {'model': str(out / 'teacher.py'), 'checkpoint': checkpoint}
    for step in (step for step in steps if step.kind != 'teacher'):
        distils = step.kind == 'distil'
        text = f'{student.name}, {f"taught by {teacher.name} ({method})" if distils else "alone"}, seed {step.seed}.'
        content = {'model': _distiller(student, method, spec) if distils else student.model, **_schedule(student, scenes, settings)}
        hooks = detector_hooks(method) if distils else []
        if hooks:
            content['custom_hooks'] = hooks
        put(step.config, step_page(out, step.name, text, 'images.py', content, step.seed, _RUNTIME))


def check_detectors(student: Network, teacher: Network, settings: Settings, method: str, checkpoint: str | None = None) -> None:
    """Build the distiller once, with random weights but for a teacher's that are given, before any training.

    Raises:
        PreflightError: The method cannot compare the two, or the weights are not this teacher's.
    """
    if method not in DETECTOR_METHODS:
        raise PreflightError(f'--method of detectors needs to be one of {", ".join(DETECTOR_METHODS)}, got {method}.')
    check_made(partial(_distiller, student, method), {'model': teacher.model}, student, teacher, method, checkpoint, 'mmdet')


def _distiller(student: Network, method: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {'type': 'mmkd_ext.OfflineDistiller', 'student': student.model, 'teacher': spec, 'losses': detector_losses(method)}


def _schedule(network: Network, scenes: Scenes, settings: Settings) -> dict[str, Any]:
    epochs, steps = settings.epochs, -(-len(scenes.train) // settings.batch_size)
    warm = max(1, min(500, epochs * steps // 10))
    return {
        'optim_wrapper': optimizer_of_detector(network, settings.batch_size),
        'param_scheduler': [
            {'type': 'LinearLR', 'start_factor': 0.001, 'by_epoch': False, 'begin': 0, 'end': warm},
            {'type': 'CosineAnnealingLR', 'T_max': epochs, 'by_epoch': True, 'convert_to_iter_based': True}],
        'train_cfg': {'by_epoch': True, 'max_epochs': epochs, 'val_interval': max(1, epochs // 12)},
        'val_cfg': {}, 'test_cfg': {}, 'auto_scale_lr': {'base_batch_size': settings.batch_size}}


def _data(out: Path, scenes: Scenes, settings: Settings, networks: Sequence[Network]) -> dict[str, Any]:
    masks = any(kind_of_config(network.model).has_masks(network.model) for network in networks)
    boxes: dict[str, Any] = {'type': 'LoadAnnotations', 'with_bbox': True, **({'with_mask': True} if masks else {})}
    resize: dict[str, Any] = {'type': 'Resize', 'scale': image_scale(scenes), 'keep_ratio': True}
    load: dict[str, Any] = {'type': 'LoadImageFromFile'}
    train: list[dict] = [load, boxes, resize, {'type': 'RandomFlip', 'prob': 0.5}, {'type': 'PackDetInputs'}]
    test: list[dict] = [load, resize, boxes, {'type': 'PackDetInputs', 'meta_keys': _META}]

    def loader(split: str, pipeline: list[dict], **more: Any) -> dict[str, Any]:
        dataset = {
            'type': 'CocoDataset', 'data_root': '', 'ann_file': str(out / f'{split}.json'), 'data_prefix': {'img': f'{scenes.root}/'},
            'metainfo': {'classes': scenes.classes}, 'test_mode': split == 'val', 'pipeline': pipeline, **more}
        return {'batch_size': settings.batch_size, 'num_workers': settings.workers, 'persistent_workers': False,
                'sampler': {'type': 'DefaultSampler', 'shuffle': split == 'train'}, 'dataset': dataset}  # fmt: skip

    val = loader('val', test)
    evaluator = {'type': 'CocoMetric', 'ann_file': str(out / 'val.json'), 'metric': 'bbox'}
    return {
        'train_dataloader': loader('train', train, filter_cfg={'filter_empty_gt': True}), 'val_dataloader': val,
        'val_evaluator': evaluator, 'test_dataloader': val, 'test_evaluator': evaluator}
