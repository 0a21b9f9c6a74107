"""An ensemble of detectors: weighted box fusion."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.models.images.renormalise import without_padding
from mmkd_ext.registry import MODELS

from .ensemble import ALL, Ensemble

_LEAST = 1e-6  # a score of 0 would divide by zero


@MODELS.register_module()
class DetectorEnsemble(Ensemble):
    """Detectors whose boxes are joined by weighted box fusion.

    Boxes of one class that overlap by more than `iou_threshold` become one, at the mean of their corners weighted by their scores; its
    score is the mean of theirs, less where not all networks found it (mmdet's `weighted_boxes_fusion`, arXiv:1910.13302). Masks are
    not joined. Names, views and arguments are those of `Ensemble`.

    Example:
        In a config the runner sets the scope; with `checkpoint=` in a spec the weights are read:

        >>> from mmengine.registry import DefaultScope
        >>> name = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
        >>> with DefaultScope.overwrite_default_scope('mmdet'):
        ...     ensemble = DetectorEnsemble(dict(a=name, b=name))
        >>> ensemble.members
        ('a', 'b')
    """

    scope = 'mmdet'
    preprocessor_type = 'mmdet.DetDataPreprocessor'
    iou_threshold = 0.55

    def _order(self, channel_order: str | None) -> str:
        # as for a frozen detector: mmdet loads BGR
        return channel_order or ('rgb' if getattr(self.data_preprocessor, '_channel_conversion', False) else 'bgr')

    def view(self, name: str, inputs: Tensor, samples: Sequence[Any] | None = None) -> Tensor:
        """The images as a detector wants them; what was padded is zero again."""
        own = super().view(name, inputs)
        return inputs if own is inputs else without_padding(own, samples)

    def forward(self, inputs: Tensor, data_samples: Sequence[Any] | None = None, mode: str = 'tensor') -> Any:
        """`'tensor'` gives what each network does, by name."""
        if mode != 'tensor':
            return super().forward(inputs, data_samples, mode)
        names = self.members if self.predict_by == ALL else (self.predict_by,)
        return {name: self.networks[name](self.view(name, inputs, data_samples), data_samples, mode) for name in names}

    def predict(self, inputs: Tensor, data_samples: Sequence[Any] | None = None) -> list[Any]:
        """Samples with the joined boxes; `networks` in them has every network's own sample by name."""
        given = list(data_samples or ())
        names = list(self.networks) if self.predict_by == ALL else [self.predict_by]
        said = {
            name: self.networks[name].predict(self.view(name, inputs, given), [sample.new() for sample in given]) for name in names}
        if self.predict_by != ALL:
            return said[self.predict_by]
        limits = [self.networks[name].test_cfg.rcnn.get('max_per_img', -1) for name in self.members]
        most = max(limits) if min(limits) > 0 else None
        for n, sample in enumerate(given):
            sample.pred_instances = fused([said[name][n].pred_instances for name in self.members], self.iou_threshold, most)
            sample.set_field({name: each[n] for name, each in said.items()}, 'networks')
        return given


def fused(found: Sequence[Any], iou_threshold: float = 0.55, most: int | None = None) -> Any:
    """The boxes of several detectors in one image as those of one.

    Args:
        found: `InstanceData` of each, with boxes (M, 4) in pixels, scores and labels.
        iou_threshold: From which overlap on boxes of a class are one.
        most: How many boxes to keep, those of the highest scores; None: all.

    Example:
        >>> from mmengine.structures import InstanceData
        >>> a = InstanceData(bboxes=torch.tensor([[0.0, 0.0, 10.0, 10.0]]), scores=torch.tensor([0.5]), labels=torch.tensor([3]))
        >>> b = InstanceData(bboxes=torch.tensor([[0.0, 0.0, 12.0, 10.0]]), scores=torch.tensor([0.5]), labels=torch.tensor([3]))
        >>> fused([a, b]).bboxes
        tensor([[ 0.,  0., 11., 10.]])
    """
    from mmdet.models.utils import weighted_boxes_fusion
    from mmengine.structures import InstanceData

    device, kept = found[0].scores.device, []
    for each in found:
        boxes = each.bboxes.float()
        kept.append(each[((boxes[:, 2:] - boxes[:, :2]) > 0).all(dim=1)])  # of the others mmdet warns
    columns = ([each[key].float().cpu().numpy() for each in kept] for key in ('bboxes', 'scores', 'labels'))
    boxes, scores, labels = weighted_boxes_fusion(*columns, iou_thr=iou_threshold, skip_box_thr=_LEAST)
    joined = InstanceData(
        bboxes=boxes.reshape(-1, 4).to(device), scores=scores.to(device), labels=labels.to(device, torch.long))
    return joined[:most]
