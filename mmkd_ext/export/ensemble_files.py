"""Export of students that trained together: each as a plain checkpoint, and a config of their ensemble."""

from pathlib import Path

from mmengine.config import Config
from torch import Tensor

from mmkd_ext.config.written_config import HERE, written_config
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.models.images.image_shape import Size
from mmkd_ext.models.plain_config import plain_config

from .network_files import network_files

_NETWORKS = 'networks.'


def ensemble_files(
    cfg: Config, weights: dict[str, Tensor], meta: dict, source: str, out: Path, onnx: bool, size: Size | None
) -> dict[Path, bytes]:
    """The files of `export_student` for a `MutualLearningDistiller`; nothing is written here.

    Of `out` = `FOLDER/NAME.pth` come `NAME_<student>.pth` and `.py` of every student, as for one alone, and `NAME.py`, whose model is
    an `Ensemble` of these files: `tools/test.py NAME.py` runs it without another checkpoint.

    Args:
        cfg: The config of the training.
        weights: Of its checkpoint.
        meta: What it tells beside them.
        source: Its name, for messages.
        out: As for `export_student`.
        onnx: As there.
        size: As there.

    Raises:
        ValueError: As `export_student`, of the first student that fails.
    """
    ensemble = plain_config(cfg)
    ensemble.default_hooks = dict(distillation_report=dict(type='mmkd_ext.DistillationReportHook'))  # each network's numbers
    ensemble.custom_imports.imports.append('mmkd_ext.hooks')
    files: dict[Path, bytes] = {}
    paths = {name: out.with_stem(f'{out.stem}_{name}') for name in ensemble.model.networks}
    for path in paths.values():  # before a network is built
        for ending in ('.pth', '.py', *(['.onnx'] if onnx else [])):
            check_output(path.with_suffix(ending), 'Choose another output.')
    for name, network in ensemble.model.networks.items():
        path = paths[name]
        alone = Config({**cfg, 'model': network})
        if network.get('data_preprocessor') is None and ensemble.model.get('data_preprocessor') is not None:
            alone.data_preprocessor = ensemble.model.data_preprocessor
        own = f'{_NETWORKS}{name}.'
        theirs = {key.removeprefix(own): value for key, value in weights.items() if key.startswith(own)}
        files |= network_files(alone, theirs, meta, f'{name} of {source}', path, onnx, size)
        # named by their own folder, so that they can be moved together
        ensemble.model.networks[name] = dict(model=f'{HERE}/{path.stem}.py', checkpoint=f'{HERE}/{path.name}')
    files[out.with_suffix('.py')] = written_config(ensemble, source)[0].encode()
    return files
