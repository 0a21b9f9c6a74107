"""Students that train together, taught by a teacher and by one another. N samples, K classes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.losses.base import as_loss
from mmkd_ext.models.ensembles.ensemble import ALL, Ensemble
from mmkd_ext.models.images.image_shape import Size, as_size, input_shape_of
from mmkd_ext.models.outputs.outputs import Outputs, detached
from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.models.plain import plain_model, without_weights
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.trained_network import network_config
from mmkd_ext.registry import MODELS

from .chance import ChanceWatch
from .comparing import adapter_table, adapters_for, add_terms, diagnostic, last_stage_only, target_of
from .labels_looked_at import look_at_labels
from .mean_rows import compared
from .order_watch import OrderWatch, watch_orders

TEACHER = 'teacher'


class Pair(NamedTuple):
    """Who follows whom by an entry of `losses`; None where students follow one another."""

    entry: str
    students: tuple[str, ...]
    teacher: str | None


@MODELS.register_module()
class MutualLearningDistiller(Ensemble):
    """Train several students and, along with them, their teacher; what predicts is the students' ensemble.

    Each network runs forward once per step and minimises its own loss; a student adds the terms of `losses` that name it, and nothing of
    them reaches the network that it follows. Checkpoints have the networks under `networks.<name>.`, the teacher that trains along
    under `networks.teacher.`, what the losses need under `distill.`, and nothing of a frozen teacher.

    Args:
        students: Name -> spec (see `zoo.spec.read_spec`) of two or more networks.
        teacher: A spec of a network that trains along; with `freeze_teacher` one of a frozen teacher (see
            `zoo.spec.read_spec`); None: the students have their peers alone.
        losses: Name -> config of a loss. A `MutualLearningLoss` compares the students with one another. Any other is taken for each
            student and the teacher; `students=[...]` names those that it is for, `teacher='name'` the student to follow instead.
            An entry None is left out (`--cfg-options model.losses.kd=None`).
        freeze_teacher: Whether the teacher is frozen.
        predict_by: 'ensemble', or the name of the network that predicts alone, such as 'teacher'.
        input_size: Side, or (height, width), of the images with which the networks are looked at once, to size the losses' adapters;
            None: what the first student's config tells, else the data of a run.
        channel_order: 'rgb' or 'bgr', the order of the images; None: as the preprocessors tell.
        data_preprocessor: What prepares the images (the runner passes the config's); None: the first student's.
        init_cfg: For mmengine.

    Raises:
        ValueError: Fewer than two students, names that cannot be one, a loss that names an unknown network, a loss that needs a
            frozen teacher (`NDLoss`: its class means), or networks whose classes differ.
    """

    helper_prefix = 'distill.'
    ensemble_type = 'Ensemble'
    teacher_type: type[FrozenTeacher] = FrozenTeacher

    def __init__(
        self,
        students: Mapping[str, Any],
        teacher: str | Mapping[str, Any] | None = None,
        losses: Mapping[str, Mapping[str, Any]] | None = None,
        freeze_teacher: bool = False,
        predict_by: str = ALL,
        input_size: Size | None = None,
        channel_order: str | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if input_size is not None:
            as_size(input_size, f'input_size of {type(self).__name__}')
        losses = losses or {}
        for what, given, kinds in (('students', students, str | Mapping), ('losses', losses, Mapping | None)):
            if not isinstance(given, Mapping) or not all(isinstance(each, kinds) for each in given.values()):
                raise ValueError(f'{type(self).__name__} needs {what}=dict(name=config, ...), got {given!r}.')
        if len(students) < 2 or TEACHER in students:
            raise ValueError(
                f"{type(self).__name__} needs two or more students, none called '{TEACHER}', got {', '.join(students) or 'none'}. "
                'For one student and a frozen teacher there is OfflineDistiller.')
        if freeze_teacher and (teacher is None or predict_by == TEACHER):
            raise ValueError(
                f"freeze_teacher=True needs a teacher and a predict_by other than '{TEACHER}', got teacher={teacher!r} and "
                f'predict_by={predict_by!r}. A frozen teacher is no part of what is trained or tested.')
        self.students = tuple(students)
        trained = {} if teacher is None or freeze_teacher else {TEACHER: teacher}
        super().__init__({**students, **trained}, predict_by, channel_order, data_preprocessor, init_cfg)
        self.teachers: dict[str, Any] = {}  # plain objects, as in OfflineDistiller
        if teacher is not None and freeze_teacher:
            self.teachers[TEACHER] = self.teacher_type(teacher, self.data_preprocessor, channel_order)
        self.pairs, modules = dict[str, Pair](), dict[str, nn.Module]()  # by module
        for entry, cfg in losses.items():
            for key, pair, loss in self._expanded(entry, cfg) if cfg is not None else ():
                if key in modules:
                    raise ValueError(f'losses.{entry} and losses.{self.pairs[key].entry} both make a term {key}: rename one.')
                self.pairs[key], modules[key] = pair, loss
        self.distill = nn.ModuleDict(modules)
        self.loss_factors: dict[str, float] = {}
        self._chance = {name: ChanceWatch(each.name) for name, each in self.teachers.items()}
        self._orders = {name: OrderWatch(each) for name, each in self.teachers.items()}
        self._size_adapters(network_config(students[self.students[0]]), input_size)
        look_at_labels(self.data_preprocessor, self.distill)  # type: ignore[arg-type]

    @classmethod
    def plain_cfg(cls, cfg: Mapping[str, Any]) -> ConfigDict:
        """The ensemble of the plain students, which is all that is deployed; or the one network that `predict_by` names."""
        by = cfg.get('predict_by', ALL)
        if by == TEACHER and (cfg.get('teacher') is None or cfg.get('freeze_teacher')):
            raise ValueError(f"predict_by='{TEACHER}' needs a teacher that trained along, got none, or a frozen one: test that one alone.")
        kept: dict[str, Any] = {TEACHER: cfg['teacher']} if by == TEACHER else dict(cfg['students'])
        if by in kept:
            kept = {by: kept[by]}
        plain = ConfigDict(type=f'mmkd_ext.{cls.ensemble_type}', networks={name: cls.plain_network(x) for name, x in kept.items()})
        if by != ALL:
            plain.predict_by = by
        for key in ('channel_order', 'data_preprocessor'):
            if cfg.get(key) is not None:
                plain[key] = cfg[key]
        return plain

    @staticmethod
    def plain_network(spec: str | Mapping[str, Any]) -> ConfigDict:
        """The config of a network as it is deployed."""
        return last_stage_only(without_weights(plain_model(network_config(spec))))

    def _members(self) -> tuple[str, ...]:
        return self.students

    @property
    def num_classes(self) -> int:
        """K."""
        return self._classes

    def _expanded(self, entry: str, cfg: Mapping[str, Any]) -> list[tuple[str, Pair, Any]]:
        """An entry's modules, each with its name: one for all students, or one for each."""
        cfg = dict(cfg)
        named, teacher = cfg.pop('students', None), cfg.pop('teacher', TEACHER)
        chosen = tuple(self.students if named is None else [named] if isinstance(named, str) else named)
        unknown = [name for name in (*chosen, teacher) if name not in (*self.students, TEACHER)]
        if unknown or not entry.isidentifier() or TEACHER in chosen or not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(
                f'losses.{entry} needs a name that is a Python identifier, students of {", ".join(self.students)}, each once, and as '
                f"teacher one of these or '{TEACHER}'; got students={named!r} and teacher={teacher!r}.")
        loss: Any = as_loss(entry, MODELS.build(cfg))
        if loss.among_peers:
            if len(chosen) < 2:
                raise ValueError(f'losses.{entry} compares two or more students, got {", ".join(chosen)}.')
            return [(entry, Pair(entry, chosen, None), loss)]
        if teacher == TEACHER and TEACHER not in (*self.networks, *self.teachers):
            raise ValueError(f"losses.{entry} follows the teacher, and there is none. Give one, or name a student: teacher='...'.")
        if loss.needs_class_means and teacher not in self.teachers:
            raise ValueError(
                f'losses.{entry} follows class means, which only a teacher that stays as it is has; got {teacher!r}, which trains. '
                'Set freeze_teacher=True, or leave the loss out.')
        followers = [name for name in chosen if name != teacher]
        if not followers:
            raise ValueError(f'losses.{entry} needs students other than {teacher!r}, whom they follow, got students={named!r}.')
        each = [loss, *(MODELS.build(cfg) for _ in followers[1:])]  # adapters of their own
        return [(f'{entry}_{name}', Pair(entry, (name,), teacher), x) for name, x in zip(followers, each, strict=True)]

    def teacher_name_of(self, loss: str) -> str | None:
        """Whom the students of a loss follow."""
        return self.pairs[loss].teacher

    def set_loss_factor(self, loss: str, factor: float) -> None:
        """Multiply an entry of `losses` from now on; set, never accumulated, so a hook may set it from a counter."""
        entries = {pair.entry for pair in self.pairs.values()}
        if loss not in entries:
            raise ValueError(f'A loss of the distiller is needed, got {loss!r}; it has {", ".join(sorted(entries))}.')
        self.loss_factors[loss] = factor

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return each network's own terms (`loss_<network>`), `loss_<entry>_<student>` of `losses`, and diagnostics."""
        said = {name: teacher(inputs) for name, teacher in self.teachers.items()}
        terms: dict[str, Tensor] = {}
        for name, network in self.networks.items():
            with recording(network) as record:
                own = network.loss(self.view(name, inputs), data_samples)
            said[name] = record.outputs()
            terms.update({f'loss_{name}' if key == 'loss' else self._own(name, key): value for key, value in own.items()})
        target = target_of(data_samples, self.data_preprocessor, said[self.students[0]])
        self._compare(terms, said, target)
        terms.update(self._diagnostics(said, target))
        watch_orders(self._orders, inputs, said, target, self._classes)
        return terms

    @torch.compiler.disable  # see comparing.py
    def _compare(self, terms: dict[str, Tensor], said: Mapping[str, Outputs], target: Tensor) -> None:
        """Add the terms of `losses`; nobody learns from being followed."""
        followed = {name: detached(outputs) for name, outputs in said.items()}
        for key, loss in self.distill.items():
            if not torch.is_grad_enabled() and loss.needs_class_means and loss.class_means is None:
                continue  # a look at one batch before the run; the hook that makes the class means comes later
            entry, students, teacher = self.pairs[key]
            value: Any = (
                dict(zip(students, loss([said[name] for name in students]), strict=True)) if teacher is None
                else compared(key, loss, said[students[0]], followed[teacher], target))
            add_terms(terms, key, value, loss, self.loss_factors.get(entry, 1.0))

    @staticmethod
    def _own(name: str, key: str) -> str:  # also of a network called `lossy`
        return f'{name}_{key}' if 'loss' in key else diagnostic(f'{name}_{key}')

    @torch.compiler.disable  # see comparing.py
    @torch.no_grad()
    def _diagnostics(self, said: Mapping[str, Outputs], target: Tensor) -> dict[str, Tensor]:
        """Accuracies in percent, the ensemble's too, and mean norms of the embeddings; no name contains `loss`."""
        norm = torch.linalg.vector_norm
        found = {diagnostic(f'{name}_norm'): norm(each.embedding.float(), dim=1).mean() for name, each in said.items()}
        if target.ndim == 1:
            scores = {name: outputs.logits.float().softmax(dim=1) for name, outputs in said.items()}
            scores[ALL] = torch.stack([scores[name] for name in self.students]).mean(dim=0)
            for name, each in scores.items():
                correct = (each.argmax(dim=1) == target).float()
                found[diagnostic(f'{name}_top1')] = 100 * correct.mean()
                if name in self._chance:
                    self._chance[name].see(correct, each.shape[1])
        return found

    @torch.no_grad()
    def _size_adapters(self, first: Mapping[str, Any], input_size: Size | None) -> None:
        """Look at all networks once, in eval mode and without random numbers, and let each loss size itself."""
        self.input_shape = input_shape_of(first, self.networks[self.students[0]], input_size)
        images = torch.zeros(2, *self.input_shape)
        said = {name: teacher(images, once=True) for name, teacher in self.teachers.items()}
        for name, network in self.networks.items():
            network.eval()
            with recording(network) as record:
                network(self.view(name, images))
            network.train()
            said[name] = record.outputs()
        classes = {name: said[name].logits.shape[1] for name in self.networks}
        if len(set(classes.values())) > 1:
            raise ValueError(f'Networks of the same classes are needed, got {classes}. Look at num_classes of their heads.')
        self._classes = classes[self.students[0]]
        rows: list[tuple[str, ...]] = []
        for key, loss in self.distill.items():
            _, students, teacher = self.pairs[key]
            if teacher is not None:
                rows += adapters_for(key, loss, said[students[0]], said[teacher], students[0], teacher)
        self.adapter_table = adapter_table(rows, self.input_shape[1:])
        if self.adapter_table:
            print_log(self.adapter_table, 'current')
