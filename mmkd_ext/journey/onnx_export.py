"""Whether a student is exported as an ONNX graph too, and what a user should know of that."""

import importlib.util

from mmkd_ext.models.outputs.kinds.known import kind_of_config

from .networks import Network

_PACKAGES = ('onnx', 'onnxscript', 'onnxruntime')


def onnx_of(student: Network) -> tuple[bool, str | None]:
    """Whether there is a graph, and a remark.

    Example:
        >>> from mmengine.config import ConfigDict
        >>> model = ConfigDict(type='EncoderDecoder', decode_head=dict(type='PSPHead'))
        >>> onnx_of(Network('pspnet.py', model, 0, False, None, 800, False))[0]
        False
    """
    kind = kind_of_config(student.model)
    if kind.no_onnx is not None:
        return False, f'no ONNX: use mmdeploy on student.pth and student.py, for {kind.called} has no export here: {kind.no_onnx}'
    if not all(importlib.util.find_spec(name) for name in _PACKAGES):
        return False, "no ONNX: it is not installed (pip install '.[onnx]' in the checkout)"
    if kind.boxes:
        return True, (
            'student.onnx gives the raw outputs of the head for each map, before NMS: predict_by_feat of the bbox_head of student.py makes '
            'boxes of them')
    return True, None
