"""Export of a training checkpoint as the plain model of mmpretrain or mmdet; it is checked, then written whole."""

import importlib.util
from pathlib import Path

from mmengine.config import Config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.weights import weights_of
from mmkd_ext.checkpoints.written_together import put_together
from mmkd_ext.config.named_types import named
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.models.images.image_shape import Size, as_size
from mmkd_ext.models.plain_config import registered

from .ensemble_files import ensemble_files
from .network_files import network_files


def export_student(
    cfg: Config, checkpoint: str | Path, out: str | Path, onnx: bool = False, size: Size | None = None
) -> list[Path]:
    """Write the deployed network of a training checkpoint as a plain zoo checkpoint with its config beside it.

    Args:
        cfg: The config that the checkpoint was trained with.
        checkpoint: A training checkpoint, read without executing code.
        out: The `.pth` file to write; the config goes to `.py` and, with `onnx`, the graph to `.onnx` of the same name.
        onnx: Whether to write ONNX too, with a free batch size.
        size: Side in pixels of the images for the check and the ONNX graph, or (height, width); default: what the config's data say.

    Returns:
        The files written.

    Raises:
        ValueError: `out` cannot be written or would replace a source, ONNX is asked for and not installed, the
            checkpoint does not fit the config, or the plain network predicts otherwise. Then no file is written.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from mmkd_ext.models.build import build_model
        >>> backbone, head = dict(type='mmkd_ext.CIFARResNet', depth=8), dict(type='LinearClsHead', num_classes=10, in_channels=64)
        >>> model = dict(type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling'), head=head)
        >>> cfg = Config(dict(model=model))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoint, out = Path(folder, 'epoch_1.pth'), Path(folder, 'student.pth')
        ...     torch.save(dict(state_dict=build_model(cfg).state_dict()), checkpoint)
        ...     [path.name for path in export_student(cfg, checkpoint, out, size=32)]
        ['student.pth', 'student.py']
    """
    out, cfg = Path(out), named(cfg)
    if size is not None:
        as_size(size, 'size')
    if out.suffix != '.pth':
        raise ValueError(f'export_student needs an output that ends in .pth, got {out}.')
    sources = {Path(path).resolve() for path in (checkpoint, cfg.filename) if path}
    for path in (out, out.with_suffix('.py')):
        if path.resolve() in sources:
            raise ValueError(
                f'export_student needs an output beside its sources, got {out}, which would replace {path}. Choose another.'
            )
    if onnx:
        check_onnx()
    for ending in ('.pth', '.py', *(['.onnx'] if onnx else [])):
        check_output(out.with_suffix(ending), 'Choose another output.')
    state = read_checkpoint(checkpoint, needs=('state_dict',))
    weights = weights_of(state, str(checkpoint))
    if hasattr(registered(cfg.model.get('type')), 'plain_network'):
        files = ensemble_files(cfg, weights, state.get('meta', {}), str(checkpoint), out, onnx, size)
    else:
        files = network_files(cfg, weights, state.get('meta', {}), str(checkpoint), out, onnx, size)
    put_together(dict(sorted(files.items(), key=lambda item: (item[0].suffix == '.py', item[0] == out.with_suffix('.py')))))
    return list(files)


def check_onnx() -> None:
    """Refuse where ONNX is not installed."""
    missing = [name for name in ('onnx', 'onnxscript', 'onnxruntime') if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"ONNX export needs {', '.join(missing)}, which is not installed: pip install -e '.[onnx]'.")
