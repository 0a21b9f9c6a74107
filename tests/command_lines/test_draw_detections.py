"""Which images are drawn; pictures of a run are in test_detection.py, their panels in report/test_boxes.py."""

import pytest
from support.reported_runs import FewImages

from mmkd_ext.commands.draw_detections import chosen
from mmkd_ext.errors import PreflightError


@pytest.mark.parametrize(('asked', 'places'), [(['2'], [0, 3]), (['9'], [*range(6)]), (['4.png', '/x/1.png'], [4, 1])])
def test_images_are_spread_or_named(asked, places):
    assert chosen(FewImages(6), asked) == places


@pytest.mark.parametrize('asked', [['0'], ['owl.png'], ['1.png', 'owl.png']])
def test_none_or_an_unknown_image_is_one_sentence(asked):
    with pytest.raises(PreflightError, match='needed, got'):
        chosen(FewImages(6), asked)
