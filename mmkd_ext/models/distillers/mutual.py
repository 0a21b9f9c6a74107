"""MutualLearningDistiller: students that train together, with a teacher and with one another as targets. N samples, K classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.models.ensembles.ensemble import ALL, Ensemble
from mmkd_ext.models.images.image_shape import Size, as_size
from mmkd_ext.models.outputs.kinds.base import Pass
from mmkd_ext.models.outputs.kinds.known import kind_of_config
from mmkd_ext.models.outputs.outputs import Outputs, detached
from mmkd_ext.models.plain_config import plain_model, without_weights
from mmkd_ext.models.teachers.teacher_ensemble import frozen_teacher
from mmkd_ext.models.zoo.trained_network import network_config
from mmkd_ext.registry import MODELS

from .auto_weights import auto_factor, check_auto_weights
from .base import ByKind
from .chance_warning import ChanceWatch
from .channel_order_warning import OrderWatch, watch_orders
from .diagnostics import norms_and_accuracies
from .first_look import first_look, teachers_first_look
from .label_check import look_at_labels
from .loss_terms import adapter_table, adapters_for, add_terms, among_peers, ask, compared, own_term
from .pairs import TEACHER, Pair, check_members, paired_losses


@MODELS.register_module()
class MutualLearningDistiller(ByKind, Ensemble):
    """Train several students and, along with them, their teacher; what predicts is the students' ensemble.

    The networks are of one kind (see `outputs.kinds`). Classifiers speak of the same images. Detectors each sample their own regions for
    their own losses, and at those of a student its teacher and its peers are asked too, in eval mode and without gradient, so that with
    all weights 0 each trains as alone. Each network runs forward once per step and minimises its own loss; a student adds the terms of
    `losses` that name it, and nothing of them reaches the network that it follows. Checkpoints have the networks under
    `networks.<name>.`, the teacher that trains along under `networks.teacher.`, what the losses need under `distill.`, and nothing of a
    frozen teacher.

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
        class_names: Of the classes, by which those of a frozen teacher are mapped (see `LabelSpace`); None: those of a run's data.

    Raises:
        ValueError: Fewer than two students, names that cannot be one, a loss that names an unknown network, a loss that needs a
            frozen teacher (`NDLoss`: its class means), or networks whose classes differ.

    Example:
        >>> import torch
        >>> from mmpretrain.structures import DataSample
        >>> student = dict(
        ...     type='mmpretrain.ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8),
        ...     neck=dict(type='mmpretrain.GlobalAveragePooling'),
        ...     head=dict(type='mmpretrain.LinearClsHead', num_classes=10, in_channels=64))
        >>> losses = dict(peers=dict(type='mmkd_ext.MutualLearningLoss'))
        >>> students = dict(a=student, b=student)
        >>> model = MODELS.build(dict(type='mmkd_ext.MutualLearningDistiller', students=students, losses=losses, input_size=32))
        >>> samples = [DataSample().set_gt_label(k) for k in range(4)]
        >>> sorted(key for key in model(torch.randn(4, 3, 32, 32), samples, mode='loss') if 'loss' in key)
        ['loss_a', 'loss_b', 'loss_peers_a', 'loss_peers_b']
    """

    helper_prefix = 'distill.'

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
        class_names: Sequence[str] | None = None,
    ) -> None:
        if input_size is not None:
            as_size(input_size, f'input_size of {type(self).__name__}')
        losses = losses or {}
        check_members(type(self).__name__, students, teacher, losses, freeze_teacher, predict_by)
        self.students = tuple(students)
        trained = {} if teacher is None or freeze_teacher else {TEACHER: teacher}
        super().__init__({**students, **trained}, predict_by, channel_order, data_preprocessor, init_cfg)
        self.teachers: dict[str, Any] = {}  # plain objects, as in OfflineDistiller
        if teacher is not None and freeze_teacher:
            self.teachers[TEACHER] = frozen_teacher(teacher, self.data_preprocessor, channel_order, self.kind)
        followed = {name: name in self.teachers for name in (*self.networks, *self.teachers)}
        self.pairs, modules = dict[str, Pair](), dict[str, nn.Module]()  # by module
        for entry, cfg in losses.items():
            for key, pair, loss in paired_losses(entry, cfg, self.students, followed, self.kind) if cfg is not None else ():
                if key in modules:
                    raise ValueError(f'losses.{entry} and losses.{self.pairs[key].entry} both make a term {key}: rename one.')
                self.pairs[key], modules[key] = pair, loss
        self.distill = nn.ModuleDict(modules)
        trained_by = {key: [self.readers[name].network for name in pair.students] for key, pair in self.pairs.items()}
        check_auto_weights(modules, trained_by)
        ask(self.readers.values(), self.teachers.values(), modules.values())
        self.loss_factors: dict[str, float] = {}
        self._chance = {name: ChanceWatch(each.name) for name, each in self.teachers.items()}
        self._orders = {name: OrderWatch(each) for name, each in self.teachers.items()} if self.kind.watches_order else {}
        self.reader = self.readers[self.students[0]]
        self._size_adapters(network_config(students[self.students[0]]), input_size, class_names)
        preprocessor: Any = self.data_preprocessor
        look_at_labels(preprocessor, self.distill)
        self.reader.watch_data(preprocessor, self._classes)

    @classmethod
    def plain_cfg(cls, cfg: Mapping[str, Any]) -> ConfigDict:
        """The ensemble of the plain students, which is all that is deployed; or the one network that `predict_by` names."""
        by = cfg.get('predict_by', ALL)
        if by == TEACHER and (cfg.get('teacher') is None or cfg.get('freeze_teacher')):
            raise ValueError(f"predict_by='{TEACHER}' needs a teacher that trained along, got none, or a frozen one: test that one alone.")
        kept: dict[str, Any] = {TEACHER: cfg['teacher']} if by == TEACHER else dict(cfg['students'])
        if by in kept:
            kept = {by: kept[by]}
        networks = {name: cls.plain_network(x) for name, x in kept.items()}
        kind = cls.kind or kind_of_config(next(iter(networks.values())))
        plain = ConfigDict(type=kind.ensemble_type, networks=networks)
        if by != ALL:
            plain.predict_by = by
        for key in ('channel_order', 'data_preprocessor'):
            if cfg.get(key) is not None:
                plain[key] = cfg[key]
        return plain

    @classmethod
    def plain_network(cls, spec: str | Mapping[str, Any]) -> ConfigDict:
        """The config of a network as it is deployed."""
        plain = without_weights(plain_model(network_config(spec)))
        return (cls.kind or kind_of_config(plain)).deployed(plain)

    def _members(self) -> tuple[str, ...]:
        return self.students

    @property
    def num_classes(self) -> int:
        """K."""
        return self._classes

    def teacher_name_of(self, loss: str) -> str | None:
        """Whom the students of a loss follow."""
        return self.pairs[loss].teacher

    def set_loss_factor(self, loss: str, factor: float) -> None:
        """Multiply an entry of `losses` from now on; set, never accumulated, so a hook may set it from a counter."""
        entries = {pair.entry for pair in self.pairs.values()}
        if loss not in entries:
            raise ValueError(f'A loss of the distiller is needed, got {loss!r}; it has {", ".join(sorted(entries))}.')
        self.loss_factors[loss] = factor

    def _terms(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        features = {name: teacher.look(inputs, data_samples) for name, teacher in self.teachers.items()}
        terms: dict[str, Tensor] = {}
        seen: dict[str, Pass] = {}
        for name, network in self.readers.items():
            seen[name] = network.train(self.view(name, inputs, data_samples), data_samples, self.data_preprocessor)
            features[name] = seen[name].features
            terms.update({own_term(name, key): x for key, x in seen[name].terms.items()})
        self._compare(terms, seen, features)
        if self.kind.shares_samples:
            said = {name: each.outputs for name, each in seen.items()}
            said.update({name: teacher.answer(features[name], None) for name, teacher in self.teachers.items()})
            target = seen[self.students[0]].target
            terms.update(self._diagnostics(said, target))
            watch_orders(self._orders, inputs, said, target, self._classes)
        return terms

    @torch.compiler.disable  # see comparing.py
    def _compare(self, terms: dict[str, Tensor], seen: Mapping[str, Pass], features: Mapping[str, Any]) -> None:
        """Add the terms of `losses`; no gradient reaches the network that is followed."""
        asked: dict[tuple[str, str], Outputs] = {}

        def said(name: str, student: str) -> Outputs:
            """What a network says at the places of a student's samples; asked once."""
            key = name, '' if self.kind.shares_samples else student
            if key not in asked:
                asked[key] = detached({**self.readers, **self.teachers}[name].answer(features[name], seen[student].places))
            return asked[key]

        for key, loss in self.distill.items():
            if not torch.is_grad_enabled() and loss.needs_class_means and loss.class_means is None:
                continue  # a look at one batch before the run; the hook that makes the class means comes later
            entry, students, teacher = self.pairs[key]
            if teacher is not None:
                (student,) = students
                value: Any = compared(
                    key, loss, self.readers[student], seen[student], said(teacher, student), self._levels[student, teacher], self._classes)
            elif self.kind.shares_samples:
                value = dict(zip(students, loss([seen[name].outputs for name in students]), strict=True))
            else:
                value = {name: among_peers(loss, seen[name], [said(x, name) for x in students if x != name]) for name in students}
            own = [seen[name].terms for name in students], [self.readers[name].network for name in students]
            add_terms(terms, key, value, loss, self.loss_factors.get(entry, 1.0), auto_factor(key, loss, value, *own))

    @torch.compiler.disable  # see comparing.py
    @torch.no_grad()
    def _diagnostics(self, said: Mapping[str, Outputs], target: Tensor) -> dict[str, Tensor]:
        """Accuracies in percent, the ensemble's too, and mean norms of the embeddings; no name contains `loss`."""
        found = norms_and_accuracies(said, target, self.kind, self._classes, self._chance)
        if target.ndim == 1:
            scores = torch.stack([said[name].logits.float().softmax(dim=1) for name in self.students]).mean(dim=0)
            found[f'{ALL}_top1'] = 100 * (scores.argmax(dim=1) == target).float().mean()
        return found

    @torch.no_grad()
    def _size_adapters(self, first: Mapping[str, Any], input_size: Size | None, class_names: Sequence[str] | None) -> None:
        """Look at all networks once, in eval mode and without random numbers, and let each loss size itself."""
        self.input_shape = self.reader.input_shape(first, input_size)
        size, (images, places) = self.input_shape[1:], self.reader.example(self.input_shape)
        said: dict[str, Outputs] = {}
        for name, reader in self.readers.items():
            reader.check()
            reader.network.eval()
            said[name] = first_look(reader, self.view(name, images), places, f'The network {name}', 'input_size')
            reader.network.train()
        for name, teacher in self.teachers.items():
            teacher.labels.tell(self.kind.classes_of(said[self.students[0]]), class_names)
            said[name] = teachers_first_look(teacher, images, places)
            teacher.num_classes = self.kind.classes_of(said[name])
        classes = {name: self.kind.classes_of(said[name]) for name in (said if self.kind.boxes else self.networks)}
        if len(set(classes.values())) > 1:
            raise ValueError(
                f'{"Detectors" if self.kind.boxes else "Networks"} of the same classes are needed, got {classes}. Look at num_classes of '
                f'their {"box " if self.kind.boxes else ""}heads.')
        self._classes = classes[self.students[0]]
        self._levels = {(a, b): self.kind.levels(size, said[a], said[b]) for a in self.students for b in said if a != b}
        rows: list[tuple[str, ...]] = []
        for key, loss in self.distill.items():
            _, students, teacher = self.pairs[key]
            if teacher is not None:
                if teacher in self.teachers:
                    self.teachers[teacher].labels.check_loss(key, loss)
                rows += adapters_for(key, loss, self.kind, size, said[students[0]], said[teacher], students[0], teacher)
        self.adapter_table = adapter_table(rows, size)
        if self.adapter_table:
            print_log(self.adapter_table, 'current')
