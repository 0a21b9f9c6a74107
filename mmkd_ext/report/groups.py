"""Runs of one config over seeds as a group, and what each group is: teacher, student alone, student distilled."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.registry import DefaultScope

from mmkd_ext.explain.sentences import one_line
from mmkd_ext.models.plain_config import distils, plain_model, without_weights
from mmkd_ext.models.teachers.teacher_ensemble import specs_by_name

from .trained_runs import TrainedRun

DISTILLED, ALONE, TEACHER, TRAINED = 'distilled', 'alone', 'teacher', 'trained'
# what differs between runs of one kind: where they are, and their seed
_OWN = ('work_dir', 'experiment_name', 'load_from', 'resume', 'launcher', 'randomness', 'custom_import_folders')
_NO_ARCHITECTURE = ('data_preprocessor', 'init_cfg', 'out_indices', 'loss', 'pretrained', 'train_cfg')
_SCOPE = re.compile(r'^(mmpretrain|mmdet)\.')
_SEED = re.compile(r'[_-]?seed[_-]?\d+')


@dataclass
class Group:
    """Runs that differ by their seed.

    Attributes:
        name: Of the variant.
        role: What it is in a distillation, one of the constants above.
        runs: By seed.
        helped: Whether something is trained beside what is deployed.
        plain: What tells the deployed network from another; None where that is not known.
    """

    name: str
    role: str
    runs: list[TrainedRun]
    helped: bool
    plain: str | None

    @property
    def shown(self) -> TrainedRun:
        """The run whose predictions are shown: the first one with a checkpoint."""
        return next((run for run in self.runs if run.checkpoint is not None), self.runs[0])


def grouped(runs: Sequence[TrainedRun]) -> list[Group]:
    """The groups, in the order of their first runs; their names differ."""
    same: dict[str, list[TrainedRun]] = {}
    for run in runs:
        same.setdefault(_identity(run), []).append(run)
    groups = []
    for members in same.values():
        members.sort(key=lambda run: (run.seed is None, run.seed or 0, str(run.folder)))
        helped, plain = _deployed(members[0])
        groups.append(Group(_name(members), DISTILLED if helped else TRAINED, members, helped, plain))
    _tell_apart(groups)
    for group in groups:
        taught = [other for other in groups if other.helped and other is not group]
        if any(_teaches(group, other) for other in taught):
            group.role = TEACHER
        elif not group.helped and any(other.plain == group.plain for other in taught) and group.plain is not None:
            group.role = ALONE
    return groups


def reference(groups: Sequence[Group]) -> Group:
    """The group that others are compared with: a student alone, else the first that is no teacher."""
    for role in (ALONE, TRAINED, DISTILLED):
        for group in groups:
            if group.role == role:
                return group
    return groups[0]


def main_group(groups: Sequence[Group]) -> Group:
    """The group that the page is about: the first distilled one, else the first that is no teacher."""
    for role in (DISTILLED, TRAINED, ALONE):
        for group in groups:
            if group.role == role:
                return group
    return groups[0]


def own_content(run: TrainedRun) -> dict[str, Any]:
    """The config without what only tells this run from others of its kind; the run's folder and seed in its strings are blanks."""
    content = {key: value for key, value in (run.cfg or {}).items() if key not in _OWN}
    return _blanked(content, {str(run.folder), str(run.folder.resolve()), str((run.cfg or {}).get('work_dir'))})


def _blanked(value: Any, folders: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _blanked(each, folders) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_blanked(each, folders) for each in value]
    if isinstance(value, str):
        for folder in folders - {'', '.', 'None'}:
            value = value.replace(folder, '...')
        return _SEED.sub('', value) if '/' in value or '\\' in value else value
    return value


def _identity(run: TrainedRun) -> str:
    return json.dumps(own_content(run), sort_keys=True, default=str) if run.cfg is not None else str(run.folder)


def _deployed(run: TrainedRun) -> tuple[bool, str | None]:
    if run.cfg is None:
        return False, None
    try:
        with DefaultScope.overwrite_default_scope(run.cfg.get('default_scope') or 'mmpretrain'):
            plain = plain_model(run.cfg.model)
            helped = distils(run.cfg.model) or _text(plain) != _text(run.cfg.model)
    except Exception as error:  # types of packages that are not installed; the curves can be shown all the same
        run.problems.append(f'What is deployed of {run.folder} is not known: {one_line(error)}.')
        return False, None
    return helped, _text(_architecture(without_weights(plain)))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _architecture(value: Any) -> Any:
    """A network's config without what trains it, starts it or feeds it, and without the stages that only a loss reads."""
    if isinstance(value, dict):
        return {key: _architecture(each) for key, each in value.items() if key not in _NO_ARCHITECTURE}
    if isinstance(value, list | tuple):
        return [_architecture(each) for each in value]
    return _SCOPE.sub('', value) if isinstance(value, str) else value


def _name(runs: Sequence[TrainedRun]) -> str:
    folder = runs[0].folder.resolve()
    name = _SEED.sub('', folder.name).strip('_-. ')
    return name or folder.parent.name


def _tell_apart(groups: list[Group]) -> None:
    names = [group.name for group in groups]
    for group in groups:
        if names.count(group.name) > 1:
            group.name = f'{group.runs[0].folder.resolve().parent.name}/{group.name}'
    taken: dict[str, int] = {}
    for group in groups:
        taken[group.name] = taken.get(group.name, 0) + 1
        if taken[group.name] > 1:
            group.name = f'{group.name} ({taken[group.name]})'


def teacher_specs(run: TrainedRun) -> dict[str, Any]:
    """The teachers that a run's config names, by name; none of a config that cannot be read."""
    spec = run.cfg.model.get('teacher') if run.cfg is not None else None
    return specs_by_name(spec) if isinstance(spec, str | dict) and spec else {}


def _teaches(group: Group, other: Group) -> bool:
    """Whether a frozen teacher of the other group has weights out of this one's folders."""
    folders = {run.folder.resolve() for run in group.runs}
    for run in other.runs:
        for spec in teacher_specs(run).values():
            checkpoint = spec.get('checkpoint') if isinstance(spec, dict) else None
            if isinstance(checkpoint, str) and Path(checkpoint).resolve().parent in folders:
                return True
    return False
