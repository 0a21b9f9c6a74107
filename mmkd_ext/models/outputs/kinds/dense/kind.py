"""Dense detectors as a kind of network. N images, S positive positions, K classes, A priors (anchors or points) in each cell of a map."""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.models.outputs.eval_mode import in_eval_mode
from mmkd_ext.models.outputs.forward_hooks import shadowed
from mmkd_ext.models.outputs.kinds.base import Pass
from mmkd_ext.models.outputs.kinds.detector import Detector
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID

from .guesses import Guesses, beside, surest
from .positions import HeadPass, Places, assigned, class_convs, has_targets, num_priors, watching_head

_OTHER_PARTS = ('mask_head', 'panoptic_head', 'detector')  # SOLO, Mask2Former, trackers
_USE = "'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', or one of FCOS, ATSS, GFL, RTMDet and YOLOX"


class Dense(Detector):
    """A single-stage detector whose head has a classification tower: RetinaNet, FCOS, ATSS, GFL, RTMDet, YOLOX.

    Its samples are the priors that its own assigner calls positive while it trains. The embedding is what enters the last convolution of
    the classification there, the logits are that convolution's scores for the prior, a sigmoid for each class; stages are the maps that
    enter the head. Another network is read in the same cells of its maps of the same strides, and for the same prior; where the numbers
    of priors differ, one of them is 1, and of several priors each class takes the highest score. At a stride that it lacks it says
    zeros, and `check_loss` refuses to compare them.
    """

    ensemble_type = 'mmkd_ext.Ensemble'
    onnx_step = 32
    takes_guesses = True
    called = 'a dense detector'
    samples_name = 'positive positions'

    def __init__(self, network: nn.Module, who: str = 'network') -> None:
        super().__init__(network, who)
        self._last: tuple[Sequence[Tensor], HeadPass] | None = None  # features, and what the head made of them

    @staticmethod
    def is_config(cfg: Mapping[str, Any]) -> bool:
        """By its `bbox_head`, which is the detector's own, or by a part that detectors of no kind have: `check` says what these lack."""
        return any(isinstance(cfg.get(part), Mapping) for part in ('bbox_head', *_OTHER_PARTS))

    @staticmethod
    def is_network(network: nn.Module) -> bool:
        """By its `bbox_head`, which is the detector's own."""
        return isinstance(getattr(network, 'bbox_head', None), nn.Module)

    @staticmethod
    def set_classes(plain: ConfigDict, classes: int) -> bool:
        """In its head."""
        if isinstance(plain.get('bbox_head'), Mapping):
            plain.bbox_head.num_classes = classes
        return 'bbox_head' in plain

    @property
    def head(self) -> Any:
        """What gives scores and boxes."""
        return self.network.bbox_head

    @property
    def strides(self) -> list[int]:
        """Of the maps that enter the head."""
        return [int(x if isinstance(x, int | float) else x[0]) for x in self.head.prior_generator.strides]

    @property
    def priors(self) -> int:
        """In each cell of a map."""
        return num_priors(self.head)

    def check(self) -> None:
        """Whether its head has a classification tower, sigmoids as scores, and an assigner of its positives."""
        head: Any = getattr(self.network, 'bbox_head', None)
        lacking = (
            'no bbox_head of its own' if not self.is_network(self.network)
            else 'a language model' if hasattr(self.network, 'language_model')
            else 'no classification tower that ends in a convolution (..._cls)' if not class_convs(head)
            else 'no get_targets or no priors' if not has_targets(head)
            else 'scores that are no sigmoids' if not getattr(head, 'use_sigmoid_cls', False)
            else None
        )  # fmt: skip
        if lacking:
            of = f' with a {type(head).__name__}' if isinstance(head, nn.Module) else ''
            raise ValueError(
                f'Distillation of dense detectors needs a single-stage detector with a classification tower as {self.who}, got '
                f'{type(self.network).__name__}{of}, which has {lacking}. Use {_USE}.')

    def train(self, inputs: Tensor, samples: Sequence[Any], preprocessor: Any) -> Pass:
        """As `Kind`: the positions are those that its own losses learn boxes at."""
        maps: list[Tensor] = []
        with watching_head(self.head, self.asked) as seen, shadowed(self.network, 'extract_feat', maps.extend):
            terms = self.network.loss(inputs, samples)
        cells, target = seen.positives(self.priors, self.head.num_classes)
        labelled = None
        if self.guesses:
            cells, target, labelled = beside(cells, target, self.strides, self.guesses, self.priors)
        places = Places(self.priors, dict(zip(self.strides, cells, strict=True)))
        return Pass(terms, self._outputs(maps, seen, places), target, target, places, tuple(maps), labelled)

    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, keep: bool = True) -> tuple[Tensor, ...]:
        """The maps that enter its head."""
        return tuple(self.network.extract_feat(inputs))

    @torch.no_grad()
    def answer(self, features: Sequence[Tensor], places: Places) -> Outputs:
        """What it says at another one's positives.

        Raises:
            ValueError: No stride in common, or several priors here and another number of several there.
        """
        mine, priors = self.strides, self.priors
        if not set(places.cells) & set(mine):
            raise ValueError(
                f'Dense detectors are compared at maps of one stride, got strides {list(places.cells)} of the student and {mine} of '
                f'the {self.who}. Look at the necks, and at prior_generator (or anchor_generator) of both heads.')
        if places.priors != priors and 1 not in (places.priors, priors):
            raise ValueError(
                f'Dense detectors are compared at the same anchors, or one of both has one for each position, got {places.priors} anchors '
                f'a position of the student and {priors} of the {self.who}. Look at scales and ratios of both anchor_generators.')
        seen = self._head_pass(features)
        self._last = None
        return self._outputs(tuple(x.detach() for x in features), seen, places)

    @torch.no_grad()
    def guess(self, features: Sequence[Tensor], count: int) -> Guesses:
        """The positions of each image where it is surest of a class; `answer` about the same features does not run its head again."""
        return surest(self._head_pass(features).scores, self.strides, self.priors, count)

    def _head_pass(self, features: Sequence[Tensor]) -> HeadPass:
        if self._last is None or self._last[0] is not features:
            with in_eval_mode(self.head), watching_head(self.head, self.asked) as seen:
                self.head(tuple(x.detach() for x in features))
            self._last = features, seen
        return self._last[1]

    def _outputs(self, maps: Sequence[Tensor], seen: HeadPass, places: Places) -> Outputs:
        priors = self.priors
        said = seen.at(places, self.strides, priors)
        edges, tower = seen.edges_at(places, self.strides, priors), seen.tower(class_convs(self.head))
        return Outputs(tuple(maps), *said, scores=SIGMOID, edges=edges, tower=tower)

    @classmethod
    def onnx_outputs(cls, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        """What its head gives for each map before boxes are chosen: `cls_scores_8`, by mmdet's name and the map's stride."""
        said, reader = model(images, mode='tensor'), cls(model)
        parts = zip(signature(reader.head.loss_by_feat).parameters, said, strict=False)
        return {f'{name}_{stride}': x for name, maps in parts for stride, x in zip(reader.strides, maps, strict=True)}

    def example(self, shape: tuple[int, int, int]) -> tuple[Tensor, Places]:
        """An image, and the first cell of each map."""
        first = (torch.zeros(1, dtype=torch.long),) * 4
        return torch.zeros(1, *shape), Places(self.priors, dict.fromkeys(self.strides, first))

    @classmethod
    def check_loss(cls, name: str, loss: Any, size: tuple[int, int], student: Outputs, teacher: Outputs) -> None:
        """Scores and embeddings are compared where the teacher has every stride of the student; what sigmoids make of KD is told."""
        if loss.reads('stages') and (loss.reads('embedding') or loss.reads('logits')):
            raise ValueError(
                f'losses.{name} needs with_embedding=False in detection, or two losses, one for maps and one for the rest: embeddings and '
                'logits belong to positions.')
        super().check_loss(name, loss, size, student, teacher)
        if loss.reads('stages'):
            return
        if len(cls.levels(size, student, teacher)[0]) < len(student.stages):
            told = (', '.join(f'{round(size[1] / x.shape[-1])}: {x.shape[1]}' for x in said.stages) for said in (student, teacher))
            raise ValueError(
                f'losses.{name} compares what both say at positions of every stride of the student, got student '
                f'{"; teacher ".join(told)} (stride: channels). Look at start_level and num_outs of the necks, or compare maps (PKDLoss), '
                'for which some strides in common are enough.')
        if loss.reads('logits') and SIGMOID in (loss.scores or ()):
            print_log(f'losses.{name} compares a yes or no for each class, since the scores of dense detectors are sigmoids.', 'current')

    def class_mean_samples(self, teacher: Any, data: Mapping[str, Any], classes: int) -> tuple[Outputs, Tensor]:
        """At positions that the student's assigner calls positive.

        An assigner that asks for predictions is given the teacher's, where both heads are alike: before training the student's own are
        noise, and they would make the means another student's with every seed.
        """
        images, samples, theirs = data['inputs'], data['data_samples'], teacher.reader
        maps = teacher.look(images, samples)
        shapes = [(type(x.head), x.strides, x.priors, x.head.num_classes) for x in (self, theirs)]
        with torch.no_grad(), in_eval_mode(self.network), teacher.autocast():
            said = theirs.head(maps) if shapes[0] == shapes[1] else self.head(self.look(images))
            cells, target = assigned(self.head, said, samples)
        return teacher.answer(maps, Places(self.priors, dict(zip(self.strides, cells, strict=True)))), target

    def class_mean_provenance(self) -> str:
        """What the student's assigner goes by."""
        head = self.head
        settings = [getattr(head, name, None) for name in ('train_cfg', 'regress_ranges', 'center_sampling', 'center_sample_radius')]
        anchors = [x.tolist() for x in getattr(head.prior_generator, 'base_anchors', ())]
        return str((type(head).__name__, self.strides, anchors, settings))
