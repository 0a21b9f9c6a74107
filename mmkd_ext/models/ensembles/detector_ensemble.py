"""An ensemble of detectors, by its registered name: weighted box fusion."""

from mmkd_ext.registry import MODELS

from .ensemble import Ensemble


@MODELS.register_module()
class DetectorEnsemble(Ensemble):
    """Detectors whose boxes are joined by weighted box fusion.

    Boxes of one class that overlap by more than `iou_threshold` become one, at the mean of their corners weighted by their scores; its
    score is the mean of theirs, less where not all networks found it (arXiv:1910.13302). Where all networks have masks, its mask is where
    the mean of their soft masks reaches the first one's `mask_thr_binary`. Names, views and arguments are those of `Ensemble`, and so is
    what it does, since the kind of its networks says how.

    Example:
        In a config the runner sets the scope; with `checkpoint=` in a spec the weights are read:

        >>> from mmengine.registry import DefaultScope
        >>> name = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
        >>> with DefaultScope.overwrite_default_scope('mmdet'):
        ...     ensemble = DetectorEnsemble(dict(a=name, b=name))
        >>> ensemble.members
        ('a', 'b')
    """
