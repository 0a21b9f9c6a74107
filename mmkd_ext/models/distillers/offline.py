"""OfflineDistiller: a student with frozen teachers. N samples, K classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmkd_ext.checkpoints.student_keys import PlainKeys
from mmkd_ext.errors import check_whole
from mmkd_ext.losses.base import built_loss
from mmkd_ext.models.images.image_shape import Size, as_size
from mmkd_ext.models.outputs.kinds.base import Kind, Pass
from mmkd_ext.models.outputs.kinds.known import kind_of_config
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.teachers.teacher_ensemble import frozen_teacher, specs_by_name
from mmkd_ext.models.zoo.trained_network import build_trained, network_config
from mmkd_ext.registry import MODELS

from .auto_weights import auto_factor, check_auto_weights
from .base import ByKind
from .chance_warning import ChanceWatch
from .channel_order_warning import OrderWatch, watch_orders
from .diagnostics import norms_and_accuracies
from .first_look import first_look, teachers_first_look
from .label_check import look_at_labels
from .loss_terms import adapter_table, adapters_for, add_terms, ask, compared


@MODELS.register_module()
class OfflineDistiller(PlainKeys, ByKind, BaseModel):
    """Train a network with its own loss plus losses that compare it with frozen teachers.

    The networks are of one kind (see `outputs.kinds`), which tells what is compared: what they say of images, or, in two-stage detection,
    of the regions that the student samples. Each network runs forward once per step (a teacher once more over the first 256 images, see
    `OrderWatch`). Checkpoints have the student under the plain network's own keys, what the losses need beside it under `distill.`, and
    nothing of the teachers; prediction is the student's.

    Args:
        student: The network to train, by a spec (see `zoo.spec.read_spec`): a name such as 'timm/resnet18', a config of mmpretrain's, or
            `dict(model=..., num_classes=10, pretrained=True)`.
        teacher: A spec of a frozen network or of a `TeacherEnsemble`, or a dict of them by name.
        losses: Name -> config of a loss, with `teacher='name'` where there are several. An entry None is left out
            (`--cfg-options model.losses.nd=None`).
        input_size: Side, or (height, width), of the images with which both networks are looked at once, to size the losses' adapters;
            None: what the student's config tells, else the data of a run, else 32 for CIFAR backbones and 224; for detectors 256.
        channel_order: 'rgb' or 'bgr', the order of the student's images; None: as the preprocessors tell.
        data_preprocessor: For a student that has none of its own; the runner passes the config's.
        init_cfg: For mmengine.
        class_names: Of the student's classes, by which those of a teacher are mapped (see `LabelSpace`); None: those of a run's data.
        most_confident: Of dense detectors: at how many positions of each image, those where a teacher is surest of a class, networks are
            compared beside the student's positives. The label there is that class; the log's accuracies leave these positions out.

    Raises:
        ValueError: No or unknown teacher of a loss, a name that cannot be one, teachers that do not fit or are of another kind, or a
            teacher or losses of another type.

    Example:
        >>> import torch
        >>> student = dict(
        ...     type='mmpretrain.ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8),
        ...     neck=dict(type='mmpretrain.GlobalAveragePooling'),
        ...     head=dict(type='mmpretrain.LinearClsHead', num_classes=10, in_channels=64))
        >>> teacher = dict(model=student, checkpoint=None, allow_random=True)  # or 'torchvision/resnet34', dict(model=..., checkpoint=FILE)
        >>> losses = dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0))
        >>> model = MODELS.build(dict(type='mmkd_ext.OfflineDistiller', student=student, teacher=teacher, losses=losses))
        >>> samples = [DataSample().set_gt_label(k) for k in range(4)]
        >>> sorted(key for key in model(torch.randn(4, 3, 32, 32), samples, mode='loss') if 'loss' in key)
        ['loss_kd', 'loss_student']
    """

    student: Any
    distill: Any

    def __init__(
        self,
        student: str | Mapping[str, Any],
        teacher: str | Mapping[str, Any],
        losses: Mapping[str, Mapping[str, Any]],
        input_size: Size | None = None,
        channel_order: str | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: dict | None = None,
        class_names: Sequence[str] | None = None,
        most_confident: int = 0,
    ) -> None:
        if not isinstance(student, str | Mapping):
            raise ValueError(f"{type(self).__name__} needs student='name' or a dict, got {student!r}. Look at model.student.")
        losses = _checked(type(self).__name__, teacher, losses)
        if input_size is not None:
            as_size(input_size, f'input_size of {type(self).__name__}')
        check_whole(type(self).__name__, 0, most_confident=most_confident)
        network = self.build_student(student, data_preprocessor)
        super().__init__(network.data_preprocessor, init_cfg)
        self.student = network
        self.kind = kind = self._kind_of(network_config(student))
        self.reader = kind(network, 'student')
        self.asked_parts = self.asked_parts | kind.parts
        specs = specs_by_name(teacher)
        self._teacher_of = {name: _teacher_name(name, cfg, specs) for name, cfg in losses.items()}
        self.distill = nn.ModuleDict(
            {name: built_loss(name, {k: v for k, v in cfg.items() if k != 'teacher'}) for name, cfg in losses.items()}
        )
        self._check_keys()
        check_auto_weights(self.distill, dict.fromkeys(self.distill, (network,)))
        # plain objects: no entry in parameters, modes, checkpoints or DDP
        self.teachers = {name: frozen_teacher(spec, network.data_preprocessor, channel_order, kind) for name, spec in specs.items()}
        ask((self.reader,), self.teachers.values(), self.distill.values())
        if most_confident and not kind.takes_guesses:
            raise ValueError(f'most_confident is for dense detectors, got {type(network).__name__} as student: leave it out.')
        self._most_confident = most_confident
        self.loss_factors: dict[str, float] = {}
        self._chance = {name: ChanceWatch(each.name, what=kind.samples_name) for name, each in self.teachers.items()}
        self._orders = {name: OrderWatch(each) for name, each in self.teachers.items()} if kind.watches_order else {}
        self._size_adapters(network_config(student), input_size, class_names)
        look_at_labels(network.data_preprocessor, self.distill, self.num_classes + 1 if kind.background else None)
        self.reader.watch_data(network.data_preprocessor, self.num_classes)

    @classmethod
    def _kind_of(cls, plain: Mapping[str, Any]) -> type[Kind]:
        return cls.kind or kind_of_config(plain)

    @classmethod
    def student_spec(cls, cfg: Mapping[str, Any]) -> Any:
        """The spec of the student as it is trained."""
        return cfg['student']

    @classmethod
    def plain_cfg(cls, cfg: Mapping[str, Any]) -> ConfigDict:
        """The student's config, which is all that is deployed; stages that only the losses read are left out."""
        plain = network_config(cfg['student'], cfg.get('data_preprocessor'))
        return cls._kind_of(plain).deployed(plain)

    @classmethod
    def build_student(cls, spec: str | Mapping[str, Any], data_preprocessor: Mapping[str, Any] | None) -> Any:
        """The network, with random weights or those that its spec names."""
        kind = cls._kind_of(network_config(spec))
        kind.check_installed()
        network = build_trained(spec, data_preprocessor, kind.scope)
        kind(network, 'student').check()
        return network

    @property
    def num_classes(self) -> int:
        """K of the student."""
        return self._classes

    def teacher_name_of(self, loss: str) -> str:
        """Which of the teachers a loss follows."""
        return self._teacher_of[loss]

    def set_loss_factor(self, loss: str, factor: float) -> None:
        """Multiply a loss from now on; set, never accumulated, so a hook may set it from a counter."""
        if loss not in self.distill:
            raise ValueError(f'A loss of the distiller is needed, got {loss!r}; it has {", ".join(self.distill)}.')
        self.loss_factors[loss] = factor

    def forward(self, inputs: Tensor, data_samples: list[DataSample] | None = None, mode: str = 'tensor') -> Any:
        """As the student, but `mode='loss'` adds the distillation."""
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        return self.student(inputs, data_samples, mode=mode)

    def _terms(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        # the student's term `loss` is called `loss_student`, because mmengine overwrites that name in the log
        features = {name: teacher.look(inputs, data_samples) for name, teacher in self.teachers.items()}
        if self._most_confident:
            self.reader.guesses = [teacher.guess(features[name], self._most_confident) for name, teacher in self.teachers.items()]
        seen = self.reader.train(inputs, data_samples, self.data_preprocessor)
        teachers = {name: teacher.answer(features[name], seen.places) for name, teacher in self.teachers.items()}
        terms = {'loss_student' if name == 'loss' else name: value for name, value in seen.terms.items()}
        self._compare(terms, seen, teachers)
        terms.update(self._diagnostics(seen, teachers))
        watch_orders(self._orders, inputs, teachers, seen.target, seen.outputs.logits.shape[1])
        return terms

    @torch.compiler.disable  # see comparing.py
    def _compare(self, terms: dict[str, Tensor], seen: Pass, teachers: Mapping[str, Outputs]) -> None:
        """Add the distillation's terms."""
        taken = [f'loss_{name}' for name in self.distill if f'loss_{name}' in terms]
        if taken:
            raise ValueError(f"Names that the student's own losses do not have are needed in losses, got {taken[0]}: rename it.")
        for name, loss in self.distill.items():
            if not torch.is_grad_enabled() and loss.needs_class_means and loss.class_means is None:
                continue  # a look at one batch before the run; the hook that makes the class means comes later
            key = self._teacher_of[name]
            value = compared(name, loss, self.reader, seen, teachers[key], self._levels[key], self._classes)
            measured = auto_factor(name, loss, value, [seen.terms], [self.student])
            add_terms(terms, name, value, loss, self.loss_factors.get(name, 1.0), measured)

    @torch.compiler.disable  # see comparing.py
    def _diagnostics(self, seen: Pass, teachers: Mapping[str, Outputs]) -> dict[str, Tensor]:
        """Accuracies in percent and mean norms of the embeddings; no name contains `loss`."""
        said, target = {'student': seen.outputs, **teachers}, seen.target
        if seen.labelled is not None:
            said, target = {name: each.at(seen.labelled) for name, each in said.items()}, target[seen.labelled]
        return norms_and_accuracies(said, target, self.kind, self._classes, self._chance)

    @torch.no_grad()
    def _size_adapters(self, student_cfg: Mapping[str, Any], input_size: Size | None, class_names: Sequence[str] | None) -> None:
        """Look at both networks once, in eval mode and without random numbers, and let each loss size itself."""
        self.input_shape = self.reader.input_shape(student_cfg, input_size)
        size, (images, places) = self.input_shape[1:], self.reader.example(self.input_shape)
        self.student.eval()
        student = first_look(self.reader, images, places, 'The student', 'model.student')
        self.student.train()
        self._classes = self.kind.classes_of(student)
        for teacher in self.teachers.values():
            teacher.labels.tell(self._classes, class_names)
        said = {name: teachers_first_look(teacher, images, places) for name, teacher in self.teachers.items()}
        self._levels = {name: self.kind.levels(size, student, theirs) for name, theirs in said.items()}
        for name, teacher in self.teachers.items():
            teacher.num_classes = self.kind.classes_of(said[name])
        rows: list[tuple[str, ...]] = []
        for name, loss in self.distill.items():
            key = self._teacher_of[name]
            self.teachers[key].labels.check_loss(name, loss)
            rows += adapters_for(name, loss, self.kind, size, student, said[key], whom=f'the teacher {self.teachers[key].name}')
        self.adapter_table = adapter_table(rows, size)
        if self.adapter_table:
            print_log(self.adapter_table, 'current')

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """The student's, for layer-wise learning rates; helpers count as its last layer."""
        if param_name.startswith('student.'):
            return self.student.get_layer_depth(param_name.removeprefix('student.'))
        _, layers = self.student.get_layer_depth('head.fc.weight')
        return layers - 1, layers


def _checked(who: str, teacher: Any, losses: Any) -> dict[str, Mapping[str, Any]]:
    """The losses without those that are left out."""
    if not isinstance(teacher, str | Mapping) or not teacher or not all(isinstance(name, str) for name in teacher):
        raise ValueError(f"{who} needs teacher='name' or a dict, got {teacher!r}. Look at model.teacher.")
    if not isinstance(losses, Mapping) or not all(isinstance(k, str) and isinstance(v, Mapping | None) for k, v in losses.items()):
        raise ValueError(f'{who} needs losses=dict(name=config, ...), got {losses!r}. Look at model.losses.')
    return {name: cfg for name, cfg in losses.items() if cfg is not None}


def _teacher_name(loss: str, cfg: Mapping[str, Any], specs: Mapping[str, Any]) -> str:
    name = cfg.get('teacher', next(iter(specs)) if len(specs) == 1 else None)
    if name not in [*specs] or not loss.isidentifier() or loss == 'student' or 'student' in specs:
        raise ValueError(
            f"A loss needs a name other than 'student' that is a Python identifier, and one of the teachers "
            f'{", ".join(specs)} (none called student); got losses.{loss} with teacher={name!r}.')
    return name
