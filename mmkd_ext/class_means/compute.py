"""Class means: a teacher's mean embedding of each class, computed in one pass over the data. N samples, K classes, D channels."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_reduce, broadcast_object_list, get_rank, get_world_size, is_main_process
from mmengine.logging import print_log
from mmengine.registry import FUNCTIONS
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

import mmkd_ext
from mmkd_ext.datasets.data_digest import data_digest
from mmkd_ext.datasets.listed_data import build_data
from mmkd_ext.datasets.mmpretrain_types import stock_dataset
from mmkd_ext.engine.random_state import random_state_kept, seed_everything
from mmkd_ext.errors import check_whole
from mmkd_ext.files.writable_places import check_output

from .class_means_file import digest, load_class_means, save_class_means
from .classes_without_samples import check_counts


class ClassMeans(NamedTuple):
    """A teacher's class means and where they come from.

    Attributes:
        means: (K, D), float64; a row of NaN for a class without samples.
        counts: (K,) samples per class.
        names: Of the classes.
        path: The file that keeps them.
    """

    means: Tensor
    counts: Tensor
    names: list[str]
    path: Path


def means_of_teacher(
    model: Any,
    teacher: Any,
    loader: Mapping[str, Any],
    dataset: Dataset,
    path: Path | None = None,
    folder: Path = Path('.'),
    seed: int = 0,
    limit: int | None = None,
) -> ClassMeans:
    """Read a teacher's class means from their file; without one, make one pass of the teacher over the data and write it.

    Each process takes its share of the samples, each sample once, without batch augmentations.

    A detector's samples are regions or positions that are sampled in the images; where it has a background, that is the last class.

    Args:
        model: The distiller, for its `data_preprocessor` and the number of classes.
        teacher: A `FrozenTeacher` of it.
        loader: Config of the data loader: `dataset` (which is compared with what a file was made of), `batch_size`,
            `num_workers`, `collate_fn`.
        dataset: The data set that was built of it.
        path: The file; None: one in `folder`, named after teacher, data and pipeline.
        folder: A cache, which runs of the same teacher and data may share.
        seed: Of the augmentations, whatever was drawn before; and what is drawn afterwards is as if there had been no pass.
        limit: Images to look at, evenly spaced; None: all.

    Raises:
        ValueError: A file of another teacher, data or pipeline; no sample of a class that occurs; a limit below 1.
    """
    content = [data_digest(dataset) if is_main_process() else None]
    broadcast_object_list(content)
    cfg = stock_dataset(loader['dataset'])  # a file serves the same data however it is held
    provenance = {
        'teacher': teacher.fingerprint()[:16] + (f' in {teacher.precision}' if teacher.precision else ''),
        'data': digest((sorted((k, str(v)) for k, v in cfg.items() if k != 'pipeline'), content[0])),
        'pipeline': digest((str(cfg.get('pipeline')), str(model.data_preprocessor.__dict__.get('to_rgb')),
                            _numbers(model.data_preprocessor), teacher.view)),
    }  # fmt: skip
    provenance['version'] = mmkd_ext.__version__
    if model.class_mean_provenance is not None:
        provenance['sampling'] = digest((model.class_mean_provenance, seed))
    if limit is not None:
        provenance['images'] = str(limit)
    if path is None:
        name = re.sub(r'\W+', '_', Path(teacher.name).stem if teacher.name.endswith('.py') else teacher.name)
        path = folder / f'{name}-{digest(sorted(provenance.items()))}.pth'
    names = model.class_mean_names((getattr(dataset, 'metainfo', None) or {}).get('classes'))
    classes = model.num_classes if model.kind.background else None
    answer = [_read(path, provenance) if is_main_process() else None]
    broadcast_object_list(answer)  # one process reads, and all of them hear of a refusal
    if isinstance(answer[0], str):
        raise ValueError(answer[0])
    if answer[0] is not None:
        if len(answer[0][0]) != len(names):
            raise ValueError(f'Class means of {len(names)} classes are needed, got {path} with {len(answer[0][0])} rows. Remove it.')
        print_log(f'Class means of {teacher.name} from {path}.', 'current')
        check_counts(answer[0][1], names, dataset, classes, limit)
        return ClassMeans(*answer[0], names, path)
    whole, dataset = dataset, _limited(dataset, limit)
    print_log(f'Class means: one pass of {teacher.name} over {len(dataset)} images, kept in {path}.', 'current')  # type: ignore[arg-type]
    with random_state_kept():
        seed_everything(seed, get_rank())
        said = (model.class_mean_samples(teacher, data) for data in _loaded(model, loader, dataset))
        means, counts = compute_class_means(lambda outputs: outputs, (x for x in said if len(x[1])), names)
    check_counts(counts, names, whole, classes, limit)
    if is_main_process():
        save_class_means(path, means, counts, provenance)
    return ClassMeans(means, counts, names, path)


def clean_data(cfg: Mapping[str, Any]) -> tuple[dict[str, Any], Dataset]:
    """The training data of a config in its validation pipeline: the loader's config and the data set."""
    loader = copy.deepcopy(dict(cfg['train_dataloader']))
    pipeline = (cfg.get('val_dataloader') or {}).get('dataset', {})
    while 'dataset' in pipeline:  # RepeatDataset and its like
        pipeline = pipeline['dataset']
    if pipeline.get('pipeline') is None:
        raise ValueError('Clean class means need the pipeline of val_dataloader.dataset, got none. Add one, or leave clean out.')
    loader['dataset'] = _with_pipeline(loader['dataset'], pipeline['pipeline'])
    return loader, build_data(loader['dataset'], 'train')


def _with_pipeline(dataset: Mapping[str, Any], pipeline: Any) -> dict[str, Any]:
    if 'datasets' in dataset:
        return {**dataset, 'datasets': [_with_pipeline(each, pipeline) for each in dataset['datasets']]}
    if 'dataset' in dataset:
        return {**dataset, 'dataset': _with_pipeline(dataset['dataset'], pipeline)}
    return {**dataset, 'pipeline': pipeline}


def _read(path: Path, provenance: dict[str, str]) -> tuple[Tensor, Tensor] | str | None:
    try:
        if path.exists():
            return load_class_means(path, provenance)
        check_output(path, 'The class means are to be kept there: look at the ClassMeansHook, or name another work dir.')
        return None
    except ValueError as error:
        return str(error)


def _limited(dataset: Dataset, limit: int | None) -> Dataset:
    if limit is not None and limit < 1:
        raise ValueError(f'Class means need at least one image, got a limit of {limit}. Look at max_images.')
    size = len(dataset)  # type: ignore[arg-type]
    return dataset if limit is None or limit >= size else Subset(dataset, [i * size // limit for i in range(limit)])


def batches_of(model: Any, cfg: Mapping[str, Any], dataset: Dataset) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and labels of this process's share, (N, K) where images may have several."""
    for data in _loaded(model, cfg, dataset):
        yield data['inputs'], model.reader.labels(data['data_samples'], model.num_classes)


def _loaded(model: Any, cfg: Mapping[str, Any], dataset: Dataset) -> Iterator[dict[str, Any]]:
    """This process's share: each sample once, which a sampler that fills up the last batch does not give."""
    collate = copy.deepcopy(dict(cfg.get('collate_fn') or {'type': 'pseudo_collate'}))
    check_whole('train_dataloader', 0, num_workers=cfg.get('num_workers', 0))
    check_whole('train_dataloader', batch_size=cfg.get('batch_size') or 64)
    loader: DataLoader = DataLoader(
        Subset(dataset, range(get_rank(), len(dataset), get_world_size())),  # type: ignore[arg-type]
        batch_size=cfg.get('batch_size') or 64,
        num_workers=cfg.get('num_workers', 0),
        collate_fn=partial(FUNCTIONS.get(collate.pop('type')), **collate),  # type: ignore[arg-type]
        worker_init_fn=_seed_worker,
    )
    for batch in loader:
        yield model.data_preprocessor(batch, model.reader.pads_in_training)


def _numbers(preprocessor: Any) -> list[list[float]]:
    return [buffer.flatten().tolist() for _, buffer in sorted(preprocessor.named_buffers())]


def _seed_worker(worker_id: int) -> None:
    seed_everything(torch.initial_seed() % 2**63, worker_id)


def compute_class_means(
    teacher: Callable[[Any], Any], batches: Iterable[tuple[Any, Tensor]], names: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Means of the teacher's embeddings, in float64, over the batches of all processes.

    Args:
        teacher: From images to `Outputs`.
        batches: Pairs of images (N, C, H, W) (or whatever it takes) and labels (N,) or (N, K), this process's share of the data.
        names: Of the K classes.

    Returns:
        Means (K, D) in float64, NaN for a class without samples, and the number of samples per class (K,).

    Raises:
        ValueError: No samples, or a label that is no class.

    Example:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> embeddings, labels = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0]]), torch.tensor([0, 0, 1])
        >>> means, counts = compute_class_means(lambda x: SimpleNamespace(embedding=x), [(embeddings, labels)], ['cat', 'dog'])
        >>> means.tolist(), counts.tolist()
        ([[2.0, 0.0], [0.0, 5.0]], [2, 1])
    """
    sums, counts = torch.zeros(0), torch.zeros(0)
    for images, labels in batches:
        embedding = teacher(images).embedding.double()
        if not len(counts):
            sums, counts = embedding.new_zeros(len(names), embedding.shape[1]), embedding.new_zeros(len(names))
        labels = labels.to(embedding.device)
        if labels.ndim == 2:  # the mean of a class is that of the images that have it, whatever else they have
            of_class = (labels > 0).to(embedding.dtype)
            sums += of_class.t() @ embedding
            counts += of_class.sum(dim=0)
            continue
        low, high = (int(x) for x in labels.aminmax())
        if low < 0 or high >= len(names):
            raise ValueError(f'Class means need labels in 0..{len(names) - 1}, got {low}..{high} in the training data.')
        sums.index_add_(0, labels, embedding)
        counts.index_add_(0, labels, torch.ones_like(labels, dtype=counts.dtype))
    if not len(counts):
        raise ValueError('Class means need training data in every process, got none in one of them.')
    all_reduce(sums)
    all_reduce(counts)
    return (sums / counts[:, None]).cpu(), counts.long().cpu()
