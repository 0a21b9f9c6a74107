"""Query detectors as a kind of network. N images, S matched boxes, K classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmkd_ext.models.outputs.kinds.base import Pass
from mmkd_ext.models.outputs.kinds.detector import Detector
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID

from .matching import Features, Places, own_queries, told_where_not_finite, watching_decoder

_USE = "'mmdet::detr/detr_r50_8xb2-150e_coco.py', or one of Conditional DETR, DAB-DETR, Deformable DETR and DINO"


class Query(Detector):
    """A detector whose decoder makes a box of each query: DETR, Conditional DETR, DAB-DETR, Deformable DETR, DINO.

    Its samples are the true boxes that its own assigner matches to a query of the last decoder layer while it trains; queries for
    denoising are none of them. The embedding is what the decoder gives for that query, the logits are its class scores: a softmax over
    the classes and no object (class K), or a sigmoid for each class. Stages are the maps that enter the encoder. Another network answers
    for the same boxes with the queries that its own assigner matches them to; a network of other classes cannot match them and says
    zeros, and `check_loss` refuses to compare them.
    """

    ensemble_type = 'mmkd_ext.Ensemble'
    no_onnx = "torch's exporter cannot follow mmcv's deformable attention, nor padding that differs from image to image"
    called = 'a query detector'
    samples_name = 'true boxes'
    optimizer = 'AdamW'

    @staticmethod
    def is_config(cfg: Mapping[str, Any]) -> bool:
        """By its decoder and its `bbox_head`."""
        return isinstance(cfg.get('decoder'), Mapping) and isinstance(cfg.get('bbox_head'), Mapping)

    @staticmethod
    def is_network(network: nn.Module) -> bool:
        """By its decoder and its `bbox_head`."""
        return all(isinstance(getattr(network, name, None), nn.Module) for name in ('decoder', 'bbox_head'))

    @staticmethod
    def set_classes(plain: ConfigDict, classes: int) -> bool:
        """In its head."""
        plain.bbox_head.num_classes = classes
        return True

    @property
    def head(self) -> Any:
        """What gives scores and boxes."""
        return self.network.bbox_head

    def check(self) -> None:
        """Whether it makes boxes of queries by images alone, and has an assigner that matches them."""
        head: Any = getattr(self.network, 'bbox_head', None)
        lacking = (
            'no decoder with a bbox_head' if not self.is_network(self.network)
            else 'a language model' if hasattr(self.network, 'language_model')
            else 'a head that matches no queries' if not all(hasattr(head, x) for x in ('_get_targets_single', 'loss_by_feat', 'loss_cls'))
            else 'no assigner (train_cfg.assigner)' if not hasattr(head, 'assigner')
            else None
        )  # fmt: skip
        if lacking:
            of = f' with a {type(head).__name__}' if isinstance(head, nn.Module) else ''
            raise ValueError(
                f'Distillation of query detectors needs a DETR as {self.who}, got {type(self.network).__name__}{of}, which has {lacking}. '
                f'Use {_USE}.')

    def train(self, inputs: Tensor, samples: Sequence[Any], preprocessor: Any) -> Pass:
        """As `Kind`: the queries are those that its own losses teach the true boxes."""
        with watching_decoder(self.network) as seen, told_where_not_finite(self.who):
            terms = self.network.loss(inputs, samples)
        features = seen.features()
        boxes, queries = seen.queries_of_boxes(features)
        places = _places(samples, boxes)
        target = torch.cat([x.labels for x in places.truth])
        return Pass(terms, self._outputs(features, queries), target, target, places, features)

    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, keep: bool = True) -> Features:
        """What the decoder makes of its queries."""
        with watching_decoder(self.network) as seen:
            self.raw(inputs, samples)
        return seen.features()

    @torch.no_grad()
    def answer(self, features: Features, places: Places) -> Outputs:
        """What it says of another one's matched boxes."""
        labels = torch.cat([x.labels for x in places.truth])
        if len(labels) and int(labels.max()) >= self.head.num_classes:
            queries = [x.labels * 0 for x in places.truth]
            said = self._outputs(features, queries)
            return said._replace(embedding=said.embedding * 0, logits=said.logits * 0)
        return self._outputs(features, own_queries(self.head, features, places))

    def _outputs(self, features: Features, queries: Sequence[Tensor]) -> Outputs:
        return Outputs(features.maps, *features.at(queries), scores=SIGMOID if self.head.loss_cls.use_sigmoid else None)

    def example(self, shape: tuple[int, int, int]) -> tuple[Tensor, Places]:
        """An image, and a box of the first class in its upper left quarter."""
        _, height, width = shape
        box = InstanceData(bboxes=torch.tensor([[0.0, 0.0, width / 2, height / 2]]), labels=torch.zeros(1, dtype=torch.long))
        return torch.zeros(1, *shape), Places([box], [dict(img_shape=(height, width))])

    @classmethod
    def check_loss(cls, name: str, loss: Any, size: tuple[int, int], student: Outputs, teacher: Outputs) -> None:
        """Scores and embeddings are compared of networks of the same classes; what sigmoids make of KD is told."""
        if loss.reads('stages') and (loss.reads('embedding') or loss.reads('logits')):
            raise ValueError(
                f'losses.{name} needs with_embedding=False in detection, or two losses, one for maps and one for the rest: embeddings and '
                'logits belong to boxes.')
        super().check_loss(name, loss, size, student, teacher)
        classes = cls.classes_of(student), cls.classes_of(teacher)
        if not loss.reads('stages') and classes[0] != classes[1]:
            raise ValueError(
                f'losses.{name} compares the queries that both networks match to the same boxes, which needs the same classes, got '
                f'{classes[0]} of the student and {classes[1]} of the teacher. Look at num_classes of both heads, or compare maps.')
        if loss.reads('logits') and SIGMOID in (loss.scores or ()) and student.scores == SIGMOID:
            print_log(f'losses.{name} compares a yes or no for each class, since the scores of this detector are sigmoids.', 'current')

    @staticmethod
    def classes_of(outputs: Outputs) -> int:
        """K, without the class for no object that a softmax has."""
        return outputs.logits.shape[1] - (outputs.scores != SIGMOID)

    def raw(self, images: Tensor, samples: Sequence[Any] | None) -> Any:
        """Scores and boxes of all layers; without samples nothing of the images is padding."""
        return super().raw(images, samples or _whole(images))

    def class_mean_samples(self, teacher: Any, data: Mapping[str, Any], classes: int) -> tuple[Outputs, Tensor]:
        """At all true boxes; no student changes them."""
        images, samples = data['inputs'], data['data_samples']
        places = _places(samples)
        return teacher.answer(teacher.look(images, samples), places), torch.cat([x.labels for x in places.truth])


def _places(samples: Sequence[Any], boxes: Sequence[Tensor] | None = None) -> Places:
    """The true boxes of samples, or those of given numbers."""
    truth = [InstanceData(bboxes=x.gt_instances.bboxes, labels=x.gt_instances.labels) for x in samples]
    return Places(truth if boxes is None else [x[n] for x, n in zip(truth, boxes, strict=True)], [x.metainfo for x in samples])


def _whole(images: Tensor) -> list[Any]:
    from mmdet.structures import DetDataSample

    shape = tuple(images.shape[-2:])
    meta = dict(img_shape=shape, ori_shape=shape, pad_shape=shape, batch_input_shape=shape, scale_factor=(1.0, 1.0))
    return [DetDataSample(metainfo=meta) for _ in images]
