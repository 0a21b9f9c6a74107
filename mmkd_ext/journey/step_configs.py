"""Every step as a config in a folder, from which a user can go on by hand: `mmkd train OUT/distil_seed0.py`."""

import pprint
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope

from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend
from mmkd_ext.errors import PreflightError
from mmkd_ext.models.plain_config import without_weights

from .image_folder import Images, Samples
from .methods import hooks_of, losses_of
from .networks import Network, count_stages, with_stages
from .settings import Settings, optimizer_of

_RUNTIME = 'mmkd_ext::_base_/default_runtime.py'
_IMAGENET = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}


class Step(NamedTuple):
    """A training.

    Attributes:
        name: Of the step, of its config and of its run's folder.
        kind: 'teacher', 'alone' or 'distil'.
        seed: Of its random numbers.
        config: Its file.
        work_dir: Its run's folder.
    """

    name: str
    kind: str
    seed: int
    config: Path
    work_dir: Path


def steps_of(out: Path, seeds: Sequence[int], teacher: bool, alone: bool) -> list[Step]:
    """All trainings in their order: the teacher's fine-tuning, the student alone, the student distilled."""
    asked = [('teacher', 0)] * teacher + [('alone', seed) for seed in seeds] * alone + [('distil', seed) for seed in seeds]
    names = [(kind if kind == 'teacher' else f'{kind}_seed{seed}', kind, seed) for kind, seed in asked]
    return [Step(name, kind, seed, out / f'{name}.py', out / 'runs' / name) for name, kind, seed in names]


def write_configs(
    out: Path, images: Images, student: Network, teacher: Network, settings: Settings, method: str, steps: Sequence[Step],
    checkpoint: str,
) -> None:
    """Write the lists of images and all configs; what says the same already stays as it is.

    Args:
        out: The folder.
        images: The data.
        student: The network that is shipped.
        teacher: The one that it learns from.
        settings: Epochs, sizes, batches.
        method: One of `METHODS`.
        steps: What will be run.
        checkpoint: The teacher's weights, where the fine-tuning leaves them or as they were given.
    """
    for name, samples in (('train', images.train), ('val', images.val)):
        put(out / f'{name}.txt', _lines(samples))
    for side in {settings.student_side, settings.teacher_side}:
        put(out / f'images_{side}.py', config_text(f'The images, {side} pixels on a side.', [], _data(out, images, side, settings)))
    maps = _maps(method)
    fine = {'model': maps(teacher.model), **_schedule(teacher, settings)}
    put(out / 'teacher.py', step_page(
        out, 'teacher', f'The teacher: {teacher.name}.', f'images_{settings.teacher_side}.py', fine, 0, _RUNTIME))
    spec: dict[str, Any] = {'model': str(out / 'teacher.py'), 'checkpoint': checkpoint}
    if teacher.fixed_side:
        spec['input_size'] = teacher.fixed_side
    distiller = _distiller(student, teacher, spec, settings, method)
    for step in steps:
        if step.kind == 'teacher':
            continue
        distils = step.kind == 'distil'
        text = f'{student.name}, {f"taught by {teacher.name} ({method})" if distils else "alone"}, seed {step.seed}.'
        content = {'model': distiller if distils else student.model, **_schedule(student, settings)}
        if distils:
            content['custom_hooks'] = hooks_of(method, settings.epochs)
        put(step.config, step_page(out, step.name, text, f'images_{settings.student_side}.py', content, step.seed, _RUNTIME))


def check_pair(student: Network, teacher: Network, settings: Settings, method: str, checkpoint: str | None = None) -> None:
    """Build the distiller once, with random weights but for a teacher's that are given, before any training.

    Raises:
        PreflightError: The method cannot compare the two, or the weights are not this teacher's.
    """
    spec: dict[str, Any] = {'model': _maps(method)(teacher.model)}
    if teacher.fixed_side:
        spec['input_size'] = teacher.fixed_side

    def made(spec: dict[str, Any]) -> dict[str, Any]:
        return {**_distiller(student, teacher, spec, settings, method), 'data_preprocessor': _IMAGENET}

    check_made(made, spec, student, teacher, method, checkpoint, 'mmpretrain')


def check_made(
    made: Callable[[dict[str, Any]], dict[str, Any]], spec: dict[str, Any], student: Network, teacher: Network, method: str,
    checkpoint: str | None, scope: str,
) -> None:
    """Build a distiller once, with random weights but for a teacher's that are given.

    Args:
        made: The distiller's config of a teacher's spec.
        spec: The teacher's.
        student: For the sentence.
        teacher: Likewise.
        method: Likewise.
        checkpoint: The teacher's weights, if they are given.
        scope: Of mmengine's registry.

    Raises:
        PreflightError: The method cannot compare the two, or the weights are not this teacher's.
    """
    try:
        random = {**spec, 'model': without_weights(spec['model']), 'checkpoint': checkpoint, 'allow_random': checkpoint is None}
        config = made(random)
        config['student'] = without_weights(config['student'])
        with DefaultScope.overwrite_default_scope(scope):
            MODELS.build(ConfigDict(config))
    except (ValueError, RuntimeError) as error:
        text = ' '.join(str(error).split())
        raise PreflightError(
            f'A student and a teacher that --method {method} can compare are needed, got {student.name} and {teacher.name}: {text}'
        ) from error


def _distiller(student: Network, teacher: Network, spec: dict[str, Any], settings: Settings, method: str) -> dict[str, Any]:
    maps, side = _maps(method), settings.student_side
    stages = None
    if method.startswith('reviewkd'):
        stages = count_stages(maps(student.model), side), count_stages(maps(teacher.model), teacher.fixed_side or side)
    return {
        'type': 'mmkd_ext.OfflineDistiller', 'student': maps(student.model), 'teacher': spec, 'losses': losses_of(method, stages),
        'input_size': side}


def _maps(method: str) -> Callable[[ConfigDict], ConfigDict]:
    """Let networks return the maps that the method compares."""
    return with_stages if method.startswith('reviewkd') else lambda model: model


def step_page(out: Path, name: str, what: str, images: str, content: dict[str, Any], seed: int, runtime: str) -> str:
    """The text of a step's config, which names its own folder and command."""
    content = {
        **content, 'work_dir': str(out / 'runs' / name), 'experiment_name': name, 'randomness': {'seed': seed, 'deterministic': False}}
    return config_text(f'{what}\n\nmmkd train {out / name}.py\n', [runtime, images], content)


def _schedule(network: Network, settings: Settings) -> dict[str, Any]:
    epochs = settings.epochs
    return {
        'optim_wrapper': optimizer_of(network, settings.batch_size),
        'param_scheduler': [{'type': 'CosineAnnealingLR', 'T_max': epochs, 'by_epoch': True, 'convert_to_iter_based': True}],
        'train_cfg': {'by_epoch': True, 'max_epochs': epochs, 'val_interval': max(1, epochs // 20)},
        'val_cfg': {}, 'test_cfg': {}, 'auto_scale_lr': {'base_batch_size': settings.batch_size}}


def _data(out: Path, images: Images, side: int, settings: Settings) -> dict[str, Any]:
    flip = {'type': 'RandomFlip', 'prob': 0.5, 'direction': 'horizontal'}
    train: list[dict]
    if side < 96:  # small images are enlarged or shrunk a little, and moved; larger ones are cut
        train = [{'type': 'Resize', 'scale': (side, side)}, {'type': 'RandomCrop', 'crop_size': side, 'padding': max(1, side // 8)}, flip]
        test: list[dict] = [{'type': 'Resize', 'scale': (side, side)}]
    else:
        train = [{'type': 'RandomResizedCrop', 'scale': side, 'crop_ratio_range': (0.35, 1.0)}, flip]
        test = [{'type': 'ResizeEdge', 'scale': round(side * 8 / 7), 'edge': 'short'}, {'type': 'CenterCrop', 'crop_size': side}]

    def loader(split: str, pipeline: list[dict], **more: Any) -> dict[str, Any]:
        ends = [{'type': 'LoadImageFromFile'}], [{'type': 'PackInputs'}]
        dataset = {
            'type': 'CustomDataset', 'data_root': str(images.root), 'ann_file': str(out / f'{split}.txt'),
            'metainfo': {'classes': list(images.classes)}, 'pipeline': [*ends[0], *pipeline, *ends[1]]}
        return {'batch_size': settings.batch_size, 'num_workers': settings.workers, 'persistent_workers': False, 'dataset': dataset,
                'sampler': {'type': 'DefaultSampler', 'shuffle': split == 'train'}, **more}  # fmt: skip

    val, evaluator = loader('val', test), {'type': 'Accuracy', 'topk': (1,)}
    return {
        'data_preprocessor': {'num_classes': len(images.classes), **_IMAGENET},
        'train_dataloader': loader('train', train, **({'drop_last': True} if settings.drop_last else {})),
        'val_dataloader': val, 'val_evaluator': evaluator, 'test_dataloader': val, 'test_evaluator': evaluator}


def _lines(samples: Samples) -> str:
    return ''.join(f'{name} {label}\n' for name, label in samples)


def config_text(what: str, bases: Sequence[str], content: dict[str, Any]) -> str:
    """The text of a config: its docstring, its bases and its settings."""
    head = f'_base_ = {list(bases)!r}\n\n' if bases else ''
    parts = (f'{key} = {pprint.pformat(_plain(value), width=110, sort_dicts=False)}\n' for key, value in content.items())
    what = what.replace('\\', '/').replace('"""', "'''")
    return f'"""{what}"""\n\n{head}{"".join(parts)}'


def _plain(value: Any) -> Any:
    """Dicts and lists of Python's own."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def put(path: Path, text: str) -> None:
    """Write a file whole, unless it says that already."""
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        AtomicBackend().put(text.encode(), path)
