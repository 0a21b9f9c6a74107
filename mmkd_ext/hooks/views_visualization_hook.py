"""ViewsVisualizationHook: pictures of predictions under test-time augmentation."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.engine.hooks import VisualizationHook

from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class ViewsVisualizationHook(VisualizationHook):
    """mmpretrain's hook, which takes the first of the views for the batch: here each image is drawn once, as its first view not mirrored.

    Where every view of an image is mirrored, the first one is drawn. `tools/test.py --tta --show-dir FOLDER` puts it in the place of
    mmpretrain's.

    Example:
        In a config, with a `tta_model`:

        >>> from mmpretrain.visualization import UniversalVisualizer
        >>> visualizer = UniversalVisualizer.get_instance('pictures')  # the runner makes it
        >>> default_hooks = dict(visualization=dict(type='mmkd_ext.ViewsVisualizationHook', enable=True, out_dir='pictures'))
        >>> HOOKS.build(default_hooks['visualization']).enable
        True
    """

    def _draw_samples(self, batch_idx: int, data_batch: dict, data_samples: Sequence[Any], step: int = 0) -> None:
        """As mmpretrain's, of a batch whose `inputs` and `data_samples` are lists by views; images (C, H, W)."""
        views, told = data_batch['inputs'], data_batch['data_samples']
        images = []
        for k in range(len(data_samples)):
            upright = (view for view, samples in enumerate(told) if not samples[k].metainfo.get('flip', False))
            images.append(views[next(upright, 0)][k])
        super()._draw_samples(batch_idx, {'inputs': images}, data_samples, step)
