"""A two-stage detector that learns from frozen ones. N images, R RoIs, K classes."""

from collections.abc import Mapping, Sequence
from functools import partial
from logging import WARNING
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from torch import Tensor

from mmkd_ext.models.images.image_shape import Size, as_size, channels_of
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.two_stage_outputs import box_heads, check_boxes, recording_rois
from mmkd_ext.models.teachers.two_stage_teacher import FrozenDetector
from mmkd_ext.models.zoo.trained_network import build_trained, network_config
from mmkd_ext.registry import MODELS

from .chance import ChanceWatch
from .comparing import adapter_table, adapters
from .offline import OfflineDistiller
from .two_stage_sampling import sampled_outputs

Levels = dict[str, tuple[list[int], list[int]]]


@MODELS.register_module()
class TwoStageDistiller(OfflineDistiller):
    """Train a two-stage detector with its own losses plus losses that compare it with frozen ones at the same RoIs.

    The student samples proposals as it always does, its box heads run once; each teacher's FPN is pooled at the same RoIs. Losses get
    `Outputs` whose embeddings and logits (the background is class K) belong to RoIs and whose stages are the FPN's maps, and
    the RoIs' labels. A cascade's RoIs come one head after the other; with class means each head has rows of its own.

    Args:
        student: `'mmdet::...'`, a local config file or the config of a model: Faster, Mask or Cascade R-CNN with an FPN.
        teacher: A spec (see `zoo.spec.read_spec`) of such a detector, or a dict of them by name.
        losses: As for `OfflineDistiller`; `ReviewKDLoss` with `with_embedding=False`.
        input_size: Side of the image with which both networks are looked at once, to size the losses' adapters.
        channel_order: As for `OfflineDistiller`; None: as the preprocessors tell, where mmdet loads 'bgr'.
        data_preprocessor: For a student that has none of its own.
        init_cfg: For mmengine.

    Raises:
        ValueError: As `OfflineDistiller`; a detector without RoIs; pyramids without a common stride.
    """

    teacher_type = FrozenDetector
    teachers: dict[str, Any]  # FrozenDetector by name

    def __init__(
        self,
        student: str | Mapping[str, Any],
        teacher: str | Mapping[str, Any],
        losses: Mapping[str, Mapping[str, Any]],
        input_size: Size | None = 256,
        channel_order: str | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(student, teacher, losses, input_size, channel_order, data_preprocessor, init_cfg)  # type: ignore[arg-type]
        self._foreground_chance = {
            name: ChanceWatch(each.name, what='sampled regions with an object') for name, each in self.teachers.items()}
        self.student.data_preprocessor.register_forward_pre_hook(partial(check_boxes, self.num_classes), with_kwargs=True)
        self._chance = {}  # most regions are background, which is easily guessed

    @staticmethod
    def plain_cfg(cfg: Mapping[str, Any]) -> ConfigDict:
        """The student's config, which is all that is deployed."""
        return network_config(cfg['student'], cfg.get('data_preprocessor'))

    @staticmethod
    def build_student(spec: str | Mapping[str, Any], data_preprocessor: Mapping[str, Any] | None) -> Any:
        """The detector, with random weights."""
        try:
            import mmdet.models  # noqa: F401
        except ImportError as error:
            raise ValueError(
                f"TwoStageDistiller needs mmdet and mmcv's ops, got {type(error).__name__}: {error}. Install them: pip install -e "
                "'.[det]', then tools/install_mmcv.sh.") from error
        network: Any = build_trained(spec, data_preprocessor, 'mmdet')
        box_heads(network, 'student')
        return network

    @property
    def num_classes(self) -> int:
        """K, without the background."""
        return self.student_heads[0].head.num_classes

    def _rows_of_head(self) -> int:
        return self.num_classes + 1

    def class_mean_names(self, classes: Sequence[str]) -> list[str]:
        """Of the rows of the class means: the classes and the background, for each box head.

        Raises:
            ValueError: Another number of classes than the student has.
        """
        if len(classes) != self.num_classes:
            raise ValueError(
                f"Class means need data of the student's {self.num_classes} classes, got {len(classes)}. Look at num_classes of its box "
                'head and at metainfo of train_dataloader.dataset.')
        heads = range(len(self.student_heads))
        return [f'{x}, head {i}' if len(heads) > 1 else x for i in heads for x in (*classes, 'background')]

    def class_mean_samples(self, teacher: FrozenDetector, data: Mapping[str, Any]) -> tuple[Outputs, Tensor]:
        """A teacher's outputs at sampled RoIs of a batch, and the row of each."""
        return sampled_outputs(self.student, self.student_heads, teacher, data['inputs'], data['data_samples'])

    @property
    def class_mean_provenance(self) -> str:
        """What the sampling depends on."""
        return str(self.student.train_cfg)

    @torch.compiler.disable  # proposals and samples are of another number at every step
    def loss(self, inputs: Tensor, data_samples: list[Any]) -> dict[str, Tensor]:
        """Return the student's own terms, `loss_<name>` per entry of `losses`, and diagnostics."""
        with recording_rois(self.student, self.student_heads) as record:
            terms = self.student.loss(inputs, data_samples)
        student, target = record.outputs(), torch.cat(record.labels)
        self._head_of_roi = torch.cat([torch.full_like(x, i) for i, x in enumerate(record.labels)])
        teachers = {name: teacher(inputs, data_samples, record.rois) for name, teacher in self.teachers.items()}
        taken = [f'loss_{name}' for name in self.distill if f'loss_{name}' in terms]
        if taken:
            raise ValueError(f"Names that the student's own losses do not have are needed in losses, got {taken[0]}: rename it.")
        self._compare(terms, student, teachers, target)
        terms.update(self._diagnostics(student, teachers, target))
        return terms

    def _value(self, name: str, loss: Any, student: Outputs, teacher: Outputs, target: Tensor) -> Any:
        """A loss at the levels that both pyramids have; it is 0 where it needs RoIs and there are none."""
        mine, theirs = self._levels[self._teacher_of[name]]
        student = student._replace(stages=tuple(student.stages[i] for i in mine))
        teacher = teacher._replace(stages=tuple(teacher.stages[i] for i in theirs))
        if not len(target) and not loss.reads('stages'):
            return sum((x.sum() for x in (student.embedding, student.logits, *loss.parameters())), target.sum()) * 0.0
        if loss.needs_class_means:
            self._check_means(name, loss)
            target = target + self._head_of_roi * (self.num_classes + 1)
        return loss(student, teacher, target)

    @torch.no_grad()
    def _diagnostics(self, student: Outputs, teachers: Mapping[str, Outputs], target: Tensor) -> dict[str, Tensor]:
        for name, watch in self._foreground_chance.items():
            if not watch.content:
                found = target < self.num_classes
                watch.see((teachers[name].logits.argmax(dim=1) == target)[found], self.num_classes + 1)
        return super()._diagnostics(student, teachers, target)

    def _check_means(self, name: str, loss: Any) -> None:
        rows = len(self.student_heads) * (self.num_classes + 1)
        if loss.class_means is not None and len(loss.class_means) != rows:
            raise ValueError(
                f'losses.{name} needs class means of {rows} rows, {self.num_classes} classes and the background for each of '
                f'{len(self.student_heads)} box heads, got {len(loss.class_means)}. Were they made for other data or another student?')

    @torch.no_grad()
    def _size_adapters(self, student_cfg: Any, input_size: Size | None) -> None:
        """Look at both networks once, in eval mode and without random numbers, and let each loss size itself."""
        height, side = as_size(256 if input_size is None else input_size)
        self.input_shape = (channels_of({}, self.student), height, side)
        self.student_heads = box_heads(self.student, 'student')
        images, roi = torch.zeros(1, *self.input_shape), torch.tensor([[0.0, 0.0, 0.0, side / 2, height / 2]])
        self.student.eval()
        maps = tuple(self.student.extract_feat(images))
        said = [head(maps, roi) for head in self.student_heads]
        self.student.train()
        student = Outputs(maps, said[0][0], said[0][1])
        seen = {name: teacher(images, None, [roi]) for name, teacher in self.teachers.items()}
        self._levels: Levels = {name: common_levels(side, maps, theirs.stages) for name, theirs in seen.items()}
        rows: list[tuple[str, ...]] = []
        for name, loss in self.distill.items():
            key = self._teacher_of[name]
            mine, theirs = self._levels[key]
            pyramids = _pyramid(side, maps), _pyramid(side, seen[key].stages)
            reads = loss.reads('stages')
            check_regions(name, loss)
            if reads and not mine:
                raise ValueError(
                    f'losses.{name} compares maps of one stride, and the pyramids have none in common: student {pyramids[0]}; '
                    f'teacher {pyramids[1]} (stride: channels). Look at out_indices, start_level and num_outs of backbone and neck.')
            if reads and len({len(mine), len(theirs), len(maps), len(seen[key].stages)}) > 1:
                print_log(f'losses.{name} follows the strides that both have of {pyramids[0]} and {pyramids[1]}.', 'current', WARNING)
            self._check_classes(name, loss, student, seen[key])
            pair = (
                student._replace(stages=tuple(maps[i] for i in mine)),
                seen[key]._replace(stages=tuple(seen[key].stages[i] for i in theirs)))
            rows += adapters(name, loss, *pair)
        self.adapter_table = adapter_table(rows, (height, side))
        if rows:
            print_log(self.adapter_table, 'current')

    def _check_classes(self, name: str, loss: Any, student: Outputs, teacher: Outputs) -> None:
        mine, theirs = (x.logits.shape[1] - 1 for x in (student, teacher))
        if mine == theirs:
            return
        text = f'The student has {mine} classes and the teacher {self.teachers[self._teacher_of[name]].name} has {theirs}'
        if loss.reads('logits'):
            raise ValueError(f'{text}, but losses.{name} compares their scores. Is it a teacher of another data set?')
        print_log(f'{text}: only its features can be followed.', 'current', WARNING)


def check_regions(name: str, loss: Any) -> None:
    """Refuse a loss that reads maps of images beside what belongs to regions."""
    if loss.reads('stages') and loss.reads('embedding'):
        raise ValueError(f'losses.{name} needs with_embedding=False in detection, where embeddings belong to RoIs.')
    if loss.reads('stages') and loss.reads('logits'):
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) compares maps of images and logits, which belong to RoIs in detection: two losses are '
            'needed, one for each.')


def _strides(side: int, maps: Sequence[Tensor]) -> list[int]:
    return [round(side / x.shape[-1]) for x in maps]


def common_levels(side: int, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> tuple[list[int], list[int]]:
    """The places of the levels of one stride in the maps of both, which an image of `side` pixels made."""
    mine, theirs = _strides(side, student), _strides(side, teacher)
    common = [stride for stride in mine if stride in theirs]
    return [mine.index(stride) for stride in common], [theirs.index(stride) for stride in common]


def _pyramid(side: int, maps: Sequence[Tensor]) -> str:
    return ', '.join(f'{stride}: {x.shape[1]}' for stride, x in zip(_strides(side, maps), maps, strict=True))
