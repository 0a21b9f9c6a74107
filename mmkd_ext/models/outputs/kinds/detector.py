"""Base class of the kinds of mmdet's detectors: pyramids of maps, boxes and their annotations, ensembles. K classes."""

from collections.abc import Mapping, Sequence
from functools import partial
from logging import WARNING
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.models.images.image_shape import Size, as_size, channels_of
from mmkd_ext.models.outputs.feature_maps import tensors_in
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.optim.cpu_amp import proposing_in_float32

from .base import Kind, Levels
from .box_fusion import fused
from .boxes import check_boxes, samples_with_boxes

_SIDE = 256  # of the image with which adapters are sized


class Detector(Kind):
    """A detector of mmdet. A kind of them says which networks it has, how one trains and answers, and what a sample is."""

    scope = 'mmdet'
    preprocessor_type = 'mmdet.DetDataPreprocessor'
    ensemble_type = 'mmkd_ext.DetectorEnsemble'
    compiles = False
    shares_samples = False
    watches_order = False
    sized_by_data = False
    boxes = True
    padded = True
    class_heads = ('bbox_head', 'mask_head')
    parts = frozenset(('rpn_head', 'bbox_head', 'mask_head', 'with_rpn'))
    iou_threshold = 0.55  # from which overlap on boxes of several networks are one

    @staticmethod
    def check_installed() -> None:
        """Raise a `ValueError` without mmdet."""
        try:
            import mmdet.models  # noqa: F401
        except ImportError as error:
            raise ValueError(
                f"Distillation of detectors needs mmdet and mmcv's ops, got {type(error).__name__}: {error}. Install them: pip install -e "
                "'.[det]', then tools/install_mmcv.sh.") from error

    @staticmethod
    def order(channel_order: str | None, preprocessor: nn.Module | None) -> str:
        """Mmdet loads BGR."""
        return channel_order or ('rgb' if getattr(preprocessor, '_channel_conversion', False) else 'bgr')

    def input_shape(self, cfg: Mapping[str, Any], size: Size | None) -> tuple[int, int, int]:
        """Of a square of 256 pixels, where no size is given."""
        return channels_of({}, self.network), *as_size(_SIDE if size is None else size)

    @classmethod
    def levels(cls, size: tuple[int, int], student: Outputs, teacher: Outputs) -> Levels:
        """Those of one stride in both pyramids."""
        mine, theirs = (_strides(size[1], each.stages) for each in (student, teacher))
        common = [stride for stride in mine if stride in theirs]
        return [mine.index(stride) for stride in common], [theirs.index(stride) for stride in common]

    @classmethod
    def check_loss(cls, name: str, loss: Any, size: tuple[int, int], student: Outputs, teacher: Outputs) -> None:
        """Maps are compared where the pyramids have a stride in common."""
        if not loss.reads('stages'):
            return
        mine, theirs = cls.levels(size, student, teacher)
        pyramids = _pyramid(size[1], student.stages), _pyramid(size[1], teacher.stages)
        if not mine:
            raise ValueError(
                f'losses.{name} compares maps of one stride, and the pyramids have none in common: student {pyramids[0]}; '
                f'teacher {pyramids[1]} (stride: channels). Look at out_indices, start_level and num_outs of backbone and neck.')
        if len({len(mine), len(theirs), len(student.stages), len(teacher.stages)}) > 1:
            print_log(f'losses.{name} follows the strides that both have of {pyramids[0]} and {pyramids[1]}.', 'current', WARNING)

    def watch_data(self, preprocessor: nn.Module, classes: int) -> None:
        """Boxes without area, and labels that are no class."""
        preprocessor.register_forward_pre_hook(partial(check_boxes, classes), with_kwargs=True)

    def predict(self, teacher: Any, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """Detections in the pixels of the original images, as mmdet's `predict` leaves them."""
        images = teacher.as_its_own(inputs, samples)
        with teacher.autocast(), proposing_in_float32(self.network):
            return self.network.predict(images, samples, rescale=True)

    def raw(self, images: Tensor, samples: Sequence[Any] | None) -> Any:
        """Scores and deltas, in the lists in which the detector gives them."""
        return self.network(images, samples, mode='tensor')

    @staticmethod
    def joined_raw(said: Mapping[str, Any], several: bool) -> Any:
        """What each network gives, by name."""
        return dict(said)

    @classmethod
    def joined(cls, samples: Sequence[Any] | None, said: Mapping[str, list[Any]], members: Mapping[str, Any]) -> list[Any]:
        """By weighted box fusion, masks too where all members have any; the first one's threshold cuts these."""
        given = list(samples or ())
        limits = [cls.most_boxes(network) for network in members.values()]
        most = max(limits) if min(limits) > 0 else None
        cut = cls.mask_threshold(next(iter(members.values())))
        for n, sample in enumerate(given):
            sample.pred_instances = fused([said[name][n].pred_instances for name in members], cls.iou_threshold, most, cut)
            for each in said.values():
                each[n].pred_instances.pop('soft_masks', None)
            sample.set_field({name: each[n] for name, each in said.items()}, 'networks')
        return given

    @staticmethod
    def mask_threshold(network: Any) -> float:
        """The probability from which a pixel belongs to a mask."""
        return network.test_cfg.get('mask_thr_binary', 0.5)

    @staticmethod
    def most_boxes(network: Any) -> int:
        """How many boxes a network finds in an image at most; -1: any number."""
        return network.test_cfg.get('max_per_img', -1)

    @classmethod
    @torch.no_grad()
    def raw_predictions(cls, model: nn.Module, images: Tensor) -> Tensor:
        """Scores and deltas of all proposals, in one row."""
        from mmdet.structures import DetDataSample

        shape = tuple(images.shape[-2:])
        meta = dict(img_shape=shape, ori_shape=shape, pad_shape=shape, batch_input_shape=shape, scale_factor=(1.0, 1.0))
        said = model(images, [DetDataSample(metainfo=meta) for _ in images], mode='tensor')
        return torch.cat([x.flatten() for x in tensors_in(said)])[None]

    def example_samples(self, images: Tensor, classes: int) -> list[Any]:
        """Boxes of many sizes."""
        return samples_with_boxes(self.network, images, classes)


def _strides(side: int, maps: Sequence[Tensor]) -> list[int]:
    return [round(side / x.shape[-1]) for x in maps]


def _pyramid(side: int, maps: Sequence[Tensor]) -> str:
    return ', '.join(f'{stride}: {x.shape[1]}' for stride, x in zip(_strides(side, maps), maps, strict=True))
