"""The networks of a run with the weights of its checkpoint: what is deployed, alone or beside its frozen teachers."""

from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from torch import nn

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.weights import check_weights, weights_of
from mmkd_ext.explain.sentences import one_line
from mmkd_ext.models.build import build_model
from mmkd_ext.models.plain_config import plain_config

from .groups import teacher_specs
from .trained_runs import TrainedRun


class Loaded(NamedTuple):
    """Networks that predict.

    Attributes:
        model: A distiller with its teachers, or the deployed network, in eval mode.
        network: What is deployed, inside of it.
        plain: Its config.
        teachers: The frozen ones, by name.
        problem: Why the teachers are not there; None where they are, or none were asked for.
    """

    model: Any
    network: nn.Module
    plain: Config
    teachers: dict[str, Any]
    problem: str | None = None


def load_run(run: TrainedRun, teachers: bool = True) -> Loaded:
    """Build the networks of a run; without its teachers where these cannot be had, or are not asked for.

    Raises:
        ValueError: There is no config or checkpoint, or they do not fit each other.
    """
    if run.cfg is None or run.checkpoint is None:
        raise ValueError(run.problems[0] if run.problems else f'A config and a checkpoint are needed, got none in {run.folder}.')
    plain = plain_config(run.cfg)
    problem = None
    if teachers and teacher_specs(run):
        try:
            model: Any = build_model(run.cfg)
            if getattr(model, 'teachers', None) and hasattr(model, 'student'):
                _load(model.student, run.checkpoint)
                return Loaded(model, model.student, plain, model.teachers)
        except Exception as error:  # the file of the teacher may be gone, and its zoo not installed
            problem = f'The teacher of {run.folder} is left out: {one_line(error)}.'
    network = build_model(plain)
    _load(network, run.checkpoint)
    return Loaded(network, network, plain, {}, problem)


def _load(network: nn.Module, checkpoint: Path) -> None:
    read = read_checkpoint(checkpoint)
    check_weights(network, read, str(checkpoint))
    known = network.state_dict()
    network.load_state_dict({key: value for key, value in weights_of(read, str(checkpoint)).items() if key in known})
