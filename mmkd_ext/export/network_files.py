"""The exported files of one network (checkpoint, config, ONNX), made and checked in memory."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmkd_ext.checkpoints.weights import check_entries
from mmkd_ext.config.written_config import written_config
from mmkd_ext.models.build import build_model, deployed
from mmkd_ext.models.images.image_shape import Size
from mmkd_ext.models.plain_config import distils, plain_config, registered
from mmkd_ext.models.zoo.trained_network import network_config

from .onnx_graph import check_graph, onnx_bytes

_TOLERANCE = 1e-5


def network_files(
    cfg: Config, weights: dict[str, Tensor], meta: Any, source: str, out: Path, onnx: bool, size: Size | None
) -> dict[Path, bytes]:
    """Make the files that `export_student` writes for one network, and check them.

    Args:
        cfg: The config that the weights were trained with.
        weights: Those of a training checkpoint.
        meta: What it tells beside them.
        source: Its name, for messages.
        out: As for `export_student`.
        onnx: As there.
        size: As there.
    """
    text, plain_cfg = written_config(plain_config(cfg), source)
    if distils(cfg.model):  # no teacher is needed here: its student alone predicts
        distiller = registered(cfg.model.type)
        helpers = distiller.helper_prefix
        cfg = Config({**cfg, 'model': network_config(distiller.student_spec(cfg.model))})
        weights = {key: value for key, value in weights.items() if not key.startswith(helpers)}
    trained, shipped = build_model(cfg), deployed(cfg, size, plain_cfg)
    plain, kind = shipped.network, shipped.kind
    if onnx:
        check_graph(kind)
    _load(trained, weights, source, 'the config')
    kept = {key: value.clone() for key, value in trained.state_dict().items() if key in plain.state_dict()}
    _load(plain, kept, source, 'the config without its helpers')
    image = torch.randn(2, *shipped.input_shape, generator=torch.Generator().manual_seed(0))
    expected = kind.raw_predictions(trained, image)
    _compare(kind.raw_predictions(plain, image), expected, f'the plain network of {source}')
    files = {
        out: _checkpoint_bytes(kept, meta),
        out.with_suffix('.py'): text.encode(),
    }
    if onnx:
        files[out.with_suffix('.onnx')] = onnx_bytes(kind, plain, image, _compare)
    return files


def _load(model: nn.Module, state: dict[str, Tensor], checkpoint: str | Path, what: str) -> None:
    mine = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    theirs = {key: tuple(value.shape) for key, value in state.items()}
    if mine != theirs:
        missing = next((key for key in mine if key not in theirs), 'none')
        unexpected = next((key for key in theirs if key not in mine), 'none')
        shape = next((f'{k} {theirs[k]} for {mine[k]}' for k in mine if k in theirs and mine[k] != theirs[k]), 'none')
        matched = sum(mine.get(key) == value for key, value in theirs.items())
        raise ValueError(
            f'{checkpoint} needs to fit {what} wholly, but {matched} of {len(mine)} entries match; '
            f'first missing: {missing}; first unexpected: {unexpected}; first of another shape: {shape}. Is it a checkpoint of this config?'
        )
    check_entries(model.state_dict(), state, str(checkpoint))
    model.load_state_dict(state)


def _compare(got: Tensor, expected: Tensor, what: str) -> None:
    # The logits too, against their size: probabilities of a network that is sure of itself hide what changed.
    logits = (got - expected).abs().max() / expected.abs().max().clamp(min=1)
    difference = torch.maximum(logits, (got.softmax(dim=-1) - expected.softmax(dim=-1)).abs().max()).item()
    if not difference <= _TOLERANCE:
        raise ValueError(
            f"The predictions of {what} need to equal the training model's within {_TOLERANCE}, but differ by "
            f'{difference:.3g}. Nothing was written.'
        )


def _checkpoint_bytes(state: dict[str, Tensor], meta: Any) -> bytes:
    kept = {
        key: meta[key]
        for key in ('dataset_meta', 'mmengine_version', 'experiment_name', 'epoch', 'iter')
        if isinstance(meta, Mapping) and key in meta
    }
    with io.BytesIO() as buffer:
        torch.save(dict(meta=kept, state_dict=state), buffer)
        return buffer.getvalue()
