"""Pictures as addresses: what is decoded is what was drawn."""

import base64

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from mmkd_ext.report.inline_pictures import jpeg, plain_text, svg, thumbnail


def decoded(address):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(base64.b64decode(address.partition(',')[2]), np.uint8), 1), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize('size', [(8, 16), (400, 200)])
def test_a_thumbnail_has_the_colours_and_proportions_of_its_image(size):
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[: size[0] // 2] = (250, 10, 20)
    shown = decoded(thumbnail(pixels))
    assert max(shown.shape[:2]) == 112 and shown.shape[0] / shown.shape[1] == pytest.approx(size[0] / size[1], rel=0.02)
    assert shown[2, 2].tolist() == [250, 10, 20] and shown[-3, -3].tolist() == [0, 0, 0]


def test_a_jpeg_is_the_picture():
    pixels = np.full((32, 40, 3), (200, 30, 90), np.uint8)
    assert abs(decoded(jpeg(pixels)).astype(int) - pixels).max() <= 4


def test_a_figure_is_drawing_commands_with_its_texts_escaped_and_no_formula():
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().set_title(plain_text('b&<i> $x^$'))
    address = svg(figure)
    assert address.startswith('data:image/svg+xml;base64,')
    text = base64.b64decode(address.partition(',')[2]).decode()
    assert 'b&amp;&lt;i&gt; $x^$' in text and '<i>' not in text and '<script' not in text
