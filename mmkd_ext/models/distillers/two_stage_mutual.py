"""Two-stage detectors that train together, taught by a teacher and by one another. R RoIs, K classes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from torch import Tensor

from mmkd_ext.models.ensembles.detector_ensemble import DetectorEnsemble
from mmkd_ext.models.images.image_shape import Size, as_size, channels_of
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.two_stage_outputs import BoxHead, RoIRecording, box_heads, check_boxes, recording_rois
from mmkd_ext.models.plain import without_weights
from mmkd_ext.models.teachers.two_stage_teacher import FrozenDetector
from mmkd_ext.models.zoo.trained_network import network_config
from mmkd_ext.registry import MODELS

from .comparing import adapter_table, adapters_for, add_terms
from .mutual import MutualLearningDistiller
from .two_stage import common_levels


@MODELS.register_module()
class TwoStageMutualLearningDistiller(MutualLearningDistiller, DetectorEnsemble):
    """`MutualLearningDistiller` for Faster, Mask and Cascade R-CNNs.

    Each detector samples its own RoIs for its own losses. At the RoIs of a student its teacher and its peers are asked too, with their
    box heads in eval mode and without gradient; the terms of `losses` compare what all say about these, so that with all weights 0 each
    detector trains as alone. The ensemble joins the students' boxes by weighted box fusion. Arguments are those of
    `MutualLearningDistiller`, with `'mmdet::...'`, files or configs of detectors.

    Raises:
        ValueError: As there; a detector without RoIs; a loss that follows class means.
    """

    ensemble_type = 'DetectorEnsemble'
    teacher_type = FrozenDetector

    @staticmethod
    def plain_network(spec: str | Mapping[str, Any]) -> ConfigDict:
        """The config of a detector."""
        return without_weights(network_config(spec))

    @torch.compiler.disable  # as in TwoStageDistiller
    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return each detector's own terms (`<network>_<term>`) and `loss_<entry>_<student>` of `losses`."""
        records: dict[str, RoIRecording] = {}
        terms: dict[str, Tensor] = {}
        for name, network in self.networks.items():
            with recording_rois(network, self.heads[name]) as record:
                own = network.loss(self.view(name, inputs, data_samples), data_samples)
            records[name] = record
            terms.update({self._own(name, key): value for key, value in own.items()})
        maps = {name: tuple(x.detach() for x in record.maps) for name, record in records.items()}
        maps.update({name: teacher.maps(inputs, data_samples) for name, teacher in self.teachers.items()})
        for student in self.students:
            self._teach(terms, student, records[student], maps)
        return terms

    def _teach(
        self, terms: dict[str, Tensor], student: str, record: RoIRecording, maps: Mapping[str, Sequence[Tensor]]
    ) -> None:
        """Add a student's terms of `losses`."""
        own, target = record.outputs(), torch.cat(record.labels)
        asked: dict[str, Outputs] = {}

        def said(name: str) -> Outputs:
            if name not in asked:
                asked[name] = self._at(name, maps[name], record.rois)
            return asked[name]

        losses: Any = self.distill
        for key, loss in losses.items():
            entry, students, teacher = self.pairs[key]
            if student not in students:
                continue
            if not len(target) and not loss.reads('stages'):  # 0, and every parameter with a gradient
                value: Any = sum((x.sum() for x in (own.embedding, own.logits, *loss.parameters())), target.sum()) * 0.0
            elif teacher is None:
                value = loss([own, *(said(name) for name in students if name != student)])[0]
            else:
                mine, theirs = self._levels[student, teacher]
                followed = said(teacher)
                value = loss(
                    own._replace(stages=tuple(own.stages[i] for i in mine)),
                    followed._replace(stages=tuple(followed.stages[i] for i in theirs)), target)
            factor = self.loss_factors.get(entry, 1.0)
            add_terms(terms, key, {student: value} if teacher is None else value, loss, factor)

    @torch.no_grad()
    def _at(self, name: str, maps: Sequence[Tensor], rois: Sequence[Tensor]) -> Outputs:
        """What a network says about another one's RoIs, one tensor (R, 5) for each of its box heads."""
        if name in self.teachers:
            answers = [self.teachers[name].at(maps, each, i) for i, each in enumerate(rois)]
        else:
            heads = self.heads[name]
            with _in_eval_mode(heads):
                answers = [heads[min(i, len(heads) - 1)](maps, each) for i, each in enumerate(rois)]
        return Outputs(tuple(maps), torch.cat([x[0] for x in answers]), torch.cat([x[1] for x in answers]))

    @torch.no_grad()
    def _size_adapters(self, first: Mapping[str, Any], input_size: Size | None) -> None:
        """Look at all detectors once, in eval mode and without random numbers, and let each loss size itself."""
        height, side = as_size(256 if input_size is None else input_size)
        self.input_shape = (channels_of({}, self.networks[self.students[0]]), height, side)
        self.heads = {name: box_heads(network, name) for name, network in self.networks.items()}
        images, roi = torch.zeros(1, *self.input_shape), torch.tensor([[0.0, 0.0, 0.0, side / 2, height / 2]])
        said: dict[str, Outputs] = {}
        for name, network in self.networks.items():
            network.eval()
            said[name] = self._at(name, network.extract_feat(self.view(name, images)), [roi])
            network.train()
        said.update({name: teacher(images, None, [roi]) for name, teacher in self.teachers.items()})
        classes = {name: said[name].logits.shape[1] - 1 for name in said}
        if len(set(classes.values())) > 1:
            raise ValueError(f'Detectors of the same classes are needed, got {classes}. Look at num_classes of their box heads.')
        self._classes = classes[self.students[0]]
        preprocessor: Any = self.data_preprocessor
        preprocessor.register_forward_pre_hook(partial(check_boxes, self._classes), with_kwargs=True)
        self._levels = {(a, b): common_levels(side, said[a].stages, said[b].stages) for a in self.students for b in said if a != b}
        rows: list[tuple[str, ...]] = []
        losses: Any = self.distill
        for key, loss in losses.items():
            entry, students, teacher = self.pairs[key]
            if loss.needs_class_means or loss.reads('stages') and loss.reads('embedding'):
                raise ValueError(
                    f'losses.{entry} compares class means or whole images, which TwoStageMutualLearningDistiller does not. Use '
                    'TwoStageDistiller with a frozen teacher, or with_embedding=False.')
            if teacher is not None:
                mine, theirs = self._levels[students[0], teacher]
                rows += adapters_for(
                    key, loss, said[students[0]]._replace(stages=tuple(said[students[0]].stages[i] for i in mine)),
                    said[teacher]._replace(stages=tuple(said[teacher].stages[i] for i in theirs)), students[0], teacher)
        self.adapter_table = adapter_table(rows, (height, side))
        if self.adapter_table:
            print_log(self.adapter_table, 'current')


@contextmanager
def _in_eval_mode(heads: Sequence[BoxHead]) -> Iterator[None]:
    """A look that changes no statistics."""
    modes = [head.training for _, head in heads]
    for _, head in heads:
        head.eval()
    try:
        yield
    finally:
        for (_, head), mode in zip(heads, modes, strict=True):
            head.train(mode)
