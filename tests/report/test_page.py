"""The page: whole, without links to anything outside, every text escaped; looked at in a browser where there is one."""

import base64
import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from support.browser import CHROMIUM, look_at
from support.report_pages import read, texts_of
from support.reported_runs import NAMES

from mmkd_ext.errors import PreflightError
from mmkd_ext.report import cost
from mmkd_ext.report.answers import Asked
from mmkd_ext.report.page import report_page

SECTIONS = ['trained', 'accuracy', 'curves', 'adapters', 'calibration', 'confusion', 'disagreements', 'cost', 'repeat']


@pytest.fixture(scope='module')
def page(root):
    """Of the whole distillation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, '_SECONDS', 0.0)
        return report_page([root], Asked(None, 4, 'cpu'))[0]


def test_every_part_is_there_with_the_numbers_of_the_logs(page):
    assert list(read(page).sections) == SECTIONS
    rows = texts_of(page, 'accuracy')
    assert 'teacher (frozen) | 70.00' in rows and 'alone | 55.00' in rows and 'kd | 57.00' in rows and '+2.00(-10.71 to +14.71)' in rows
    assert 'Distillation: +2.00 points over the student alone' in page
    assert 'measured on this machine' in texts_of(page, 'cost') and 'batch 1' in texts_of(page, 'cost')
    assert 'embedding <32>' in texts_of(page, 'adapters') and 'mmkd train ' in texts_of(page, 'repeat')


def test_nothing_outside_is_linked_and_nothing_runs(page):
    links = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', page)
    assert len(links) > 10 and [link for link in links if not link.startswith(('data:', '#'))] == []
    assert '<script' not in page and '@import' not in page and 'url(' not in page
    assert "default-src 'none'" in page  # a browser holds it, too


def test_names_are_text(page):
    cells = texts_of(page, 'confusion')
    assert [name for name in NAMES if f'{name} | ' not in cells] == []
    assert '{{ 7 * 7 }}' in cells and '&lt;script&gt;alert(0)' in page


def test_every_picture_can_be_decoded_and_is_not_of_one_colour(page):
    pictures = read(page).pictures
    assert len(pictures) >= 8 and all(alt for _, _, alt in pictures)
    for _, address, _ in pictures:
        kind, _, content = address.removeprefix('data:').partition(';base64,')
        content = base64.b64decode(content)
        if kind == 'image/svg+xml':
            assert len(list(ElementTree.fromstring(content).iter())) > 20
        else:
            assert cv2.imdecode(np.frombuffer(content, np.uint8), 1).std() > 1


def test_without_predictions_no_network_is_built(root, monkeypatch):
    monkeypatch.setattr('mmkd_ext.report.loaded_models.build_model', None)
    page, said = report_page([root / 'runs'], None)
    assert list(read(page).sections) == ['notes', 'trained', 'accuracy', 'curves', 'adapters', 'repeat']
    assert '--no-predictions' in texts_of(page, 'notes') and 'kd                 57.00 ± ' in said


def test_no_run_is_one_sentence(tmp_path):
    with pytest.raises(PreflightError, match='A work dir of'):
        report_page([tmp_path], None)


@pytest.mark.skipif(CHROMIUM is None, reason='no Chromium on this machine')
def test_a_browser_shows_it_whole_without_a_complaint_or_a_question_to_anybody(page, tmp_path):
    (tmp_path / 'page.html').write_text(page)
    seen = look_at(tmp_path / 'page.html', tmp_path)
    assert seen.console == [] and seen.asked == []
    assert seen.picture.shape == (3000, 1200, 3)
    inked = (seen.picture.reshape(3000, -1).std(axis=1) > 3)  # rows with something on them
    assert inked.mean() > 0.5 and inked[-600:].any()
    colours = {tuple(each) for each in seen.picture[::7, ::7].reshape(-1, 3).tolist()}
    assert len(colours) > 100  # curves in several colours, anti-aliased
    middle = seen.picture[:, 40:1160]
    assert (middle.min(axis=(1, 2)) < 120).any()  # dark text


@pytest.mark.skipif(CHROMIUM is None, reason='no Chromium on this machine')
def test_a_page_that_asks_outside_or_fails_is_found_out(tmp_path):
    (tmp_path / 'bad.html').write_text('<img src="http://127.0.0.1:9/x.png"><script>nothing_of_the_kind();</script>')
    seen = look_at(tmp_path / 'bad.html', tmp_path, 400)
    assert seen.asked[:1] == ['http://127.0.0.1:9/x.png'] and 'nothing_of_the_kind' in seen.console[0]
