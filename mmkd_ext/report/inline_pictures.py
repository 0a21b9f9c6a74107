"""Figures and images as `data:` addresses, which need no file beside the page."""

import base64
import io
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

_THUMBNAIL = 112  # pixels that the longer side of a small image is enlarged to, so that it can be seen


def svg(figure: Figure) -> str:
    """A figure as SVG; its texts stay texts."""
    buffer = io.StringIO()
    with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'mmkd_ext', 'font.family': 'sans-serif'}):
        figure.savefig(buffer, format='svg', metadata={'Date': None, 'Creator': None})
    return _address('image/svg+xml', buffer.getvalue().encode())


def jpeg(pixels: np.ndarray) -> str:
    """An RGB picture (H, W, 3)."""
    return _encoded('image/jpeg', '.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])


def thumbnail(pixels: np.ndarray) -> str:
    """An RGB image (H, W, 3), small ones enlarged pixel by pixel, large ones made smaller."""
    factor = _THUMBNAIL / max(pixels.shape[:2])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    height, width = (max(1, round(side * factor)) for side in pixels.shape[:2])
    return _encoded('image/png', '.png', cv2.resize(pixels, (width, height), interpolation=how), [])


def plain_text(text: str) -> str:
    """A text in which matplotlib reads no formula."""
    return text.replace('$', r'\$')


def _encoded(kind: str, ending: str, pixels: np.ndarray, options: list[Any]) -> str:
    done, content = cv2.imencode(ending, cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f'An RGB picture that can be encoded is needed, got one of shape {pixels.shape} and type {pixels.dtype}.')
    return _address(kind, content.tobytes())


def _address(kind: str, content: bytes) -> str:
    return f'data:{kind};base64,{base64.b64encode(content).decode()}'
