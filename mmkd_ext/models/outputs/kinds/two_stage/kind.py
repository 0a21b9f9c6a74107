"""Two-stage detectors as a kind of network: they are compared at the RoIs that a student samples. N images, R RoIs, K classes."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmkd_ext.models.outputs.eval_mode import in_eval_mode
from mmkd_ext.models.outputs.kinds.base import Pass
from mmkd_ext.models.outputs.kinds.detector import Detector
from mmkd_ext.models.outputs.outputs import Outputs

from .box_heads import REGIONS, BoxHead, box_heads, recording_rois
from .sampling import sampled_outputs
from .soft_masks import soft_masks


class TwoStage(Detector):
    """Faster, Mask or Cascade R-CNN with an FPN.

    Its samples are RoIs: embeddings and logits are those of the box head (the background is class K), stages are the FPN's maps. A
    cascade's RoIs come one head after the other, and each head has rows of class means of its own. Another network answers with the head
    of the same place, or, where it has fewer, with its last one.
    """

    background = True
    no_onnx = 'it looks again at regions that it chooses'
    called = 'a two-stage detector'
    samples_name = 'sampled regions with an object'
    parts = Detector.parts | {REGIONS, f'with_{REGIONS}'}

    @staticmethod
    def is_config(cfg: Mapping[str, Any]) -> bool:
        """By its part for RoIs."""
        return isinstance(cfg.get(REGIONS), Mapping)

    @staticmethod
    def is_network(network: nn.Module) -> bool:
        """By its part for RoIs."""
        return isinstance(getattr(network, REGIONS, None), nn.Module)

    @staticmethod
    def set_classes(plain: ConfigDict, classes: int) -> bool:
        """In all box heads and in the mask head."""
        boxes, masks = plain[REGIONS].get('bbox_head'), plain[REGIONS].get('mask_head')
        for each in [*(boxes if isinstance(boxes, list) else [boxes]), *([masks] if masks else [])] if boxes else ():
            each.num_classes = classes
        return bool(boxes)

    @staticmethod
    def has_masks(plain: Mapping[str, Any]) -> bool:
        """By its mask head."""
        return bool(plain[REGIONS].get('mask_head'))

    @cached_property
    def heads(self) -> list[BoxHead]:
        """Its box heads, one or a cascade."""
        return box_heads(self.network, self.who)

    def check(self) -> None:
        """Whether it has an FPN and box heads whose scores are a softmax."""
        self.heads  # noqa: B018

    def train(self, inputs: Tensor, samples: Sequence[Any], preprocessor: Any) -> Pass:
        """As `Kind`: the RoIs are those that its own sampler takes for its own losses."""
        with recording_rois(self.network, self.heads) as record:
            terms = self.network.loss(inputs, samples)
        target, period = torch.cat(record.labels), self.heads[0].head.num_classes + 1
        rows = target + torch.cat([torch.full_like(x, i * period) for i, x in enumerate(record.labels)])
        return Pass(terms, record.outputs(), target, rows, record.rois, record.maps)

    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, keep: bool = True) -> tuple[Tensor, ...]:
        """The FPN's maps."""
        maps = self.network.extract_feat(inputs)
        # RoIAlign knows no bfloat16 on CPUs, and takes every map for contiguous
        return tuple(maps if keep else (x.float().contiguous() for x in maps))

    @torch.no_grad()
    def answer(self, features: Sequence[Tensor], places: Sequence[Tensor]) -> Outputs:
        """What it says about RoIs (R, 5), one tensor of them for each box head of the student."""
        maps = tuple(x.detach() for x in features)
        with in_eval_mode(*(head for _, head in self.heads)):
            said = [self.heads[min(i, len(self.heads) - 1)](maps, rois) for i, rois in enumerate(places)]
        return Outputs(maps, torch.cat([x[0] for x in said]), torch.cat([x[1] for x in said]))

    def example(self, shape: tuple[int, int, int]) -> tuple[Tensor, list[Tensor]]:
        """An image, and a RoI in its upper left quarter."""
        _, height, width = shape
        return torch.zeros(1, *shape), [torch.tensor([[0.0, 0.0, 0.0, width / 2, height / 2]])]

    @classmethod
    def check_loss(cls, name: str, loss: Any, size: tuple[int, int], student: Outputs, teacher: Outputs) -> None:
        """Maps of images are compared alone, since the rest belongs to regions."""
        check_regions(name, loss)
        super().check_loss(name, loss, size, student, teacher)

    @staticmethod
    def classes_of(outputs: Outputs) -> int:
        """K, without the background."""
        return outputs.logits.shape[1] - 1

    @staticmethod
    def counted(target: Tensor, classes: int) -> Tensor:
        """Regions with an object: most are background, which is easily guessed."""
        return target < classes

    def mean_rows(self, classes: int) -> tuple[int, str]:
        """The classes and the background, for each box head."""
        return len(self.heads) * (classes + 1), f'{classes} classes and the background for each of {len(self.heads)} box heads'

    def class_mean_names(self, names: Sequence[str] | None, classes: int) -> list[str]:
        """The classes and the background, for each box head."""
        if len(names or ()) != classes:
            raise ValueError(
                f"Class means need data of the student's {classes} classes, got {len(names or ())}. Look at num_classes of its box "
                'head and at metainfo of train_dataloader.dataset.')
        heads = range(len(self.heads))
        return [f'{x}, head {i}' if len(heads) > 1 else x for i in heads for x in (*(names or ()), 'background')]

    def class_mean_samples(self, teacher: Any, data: Mapping[str, Any], classes: int) -> tuple[Outputs, Tensor]:
        """At RoIs sampled as the student samples them."""
        return sampled_outputs(self.network, self.heads, teacher, data['inputs'], data['data_samples'])

    def class_mean_provenance(self) -> str:
        """The student's samplers."""
        return str(self.network.train_cfg)

    def example_samples(self, images: Tensor, classes: int) -> list[Any]:
        """Boxes of its own classes."""
        return super().example_samples(images, self.heads[0].head.num_classes)

    def predict_among(self, inputs: Tensor, samples: list[Any] | None) -> list[Any]:
        """As `Kind`, with `soft_masks` beside its masks."""
        with soft_masks(getattr(self.network, REGIONS)) as seen:
            said = self.network.predict(inputs, samples)
        for instances in (sample.pred_instances for sample in said):
            for masks, soft in seen:
                if instances.get('masks') is masks:
                    instances.soft_masks = soft
        return said

    @staticmethod
    def most_boxes(network: Any) -> int:
        """Of the second stage."""
        return network.test_cfg.rcnn.get('max_per_img', -1)

    @staticmethod
    def mask_threshold(network: Any) -> float:
        """Of the second stage."""
        return network.test_cfg.rcnn.get('mask_thr_binary', 0.5)


def check_regions(name: str, loss: Any) -> None:
    """Refuse a loss that reads maps of images beside what belongs to regions."""
    if loss.reads('stages') and loss.reads('embedding'):
        raise ValueError(f'losses.{name} needs with_embedding=False in detection, where embeddings belong to RoIs.')
    if loss.reads('stages') and loss.reads('logits'):
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) compares maps of images and logits, which belong to RoIs in detection: two losses are '
            'needed, one for each.')
