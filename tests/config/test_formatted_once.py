"""A config's text is formatted once for each content, and is mmengine's own text."""

import copy

import pytest
from mmengine.config import Config
from yapf.yapflib import yapf_api

from mmkd_ext.config.formatted_once import formatted_once

_PARTS = dict(model=dict(type='A', sizes=(1, 2)), hooks=[dict(type='B', rule="it's")], nothing=None)


@pytest.fixture
def formatted(monkeypatch, yapf):
    """The texts that yapf was given."""
    asked, ours = [], yapf_api.FormatCode

    def counted(text, **kwargs):
        asked.append(text)
        return ours(text, **kwargs)

    monkeypatch.setattr(yapf_api, 'FormatCode', counted)
    return asked


def test_the_text_is_mmengines_and_yapf_is_asked_once(formatted):
    cfg = formatted_once(Config(_PARTS))
    assert [cfg.pretty_text for _ in range(3)] == [Config(_PARTS).pretty_text] * 3
    assert len(formatted) == 2  # once for each of the two configs
    assert '_formatted' not in cfg


def test_a_change_deep_inside_is_seen(formatted):
    cfg = formatted_once(Config(_PARTS))
    before = cfg.pretty_text
    cfg.hooks[0].rule = 'less'
    assert cfg.pretty_text == Config({**_PARTS, 'hooks': [dict(type='B', rule='less')]}).pretty_text != before


def test_copies_have_the_text_until_they_change(formatted):
    cfg = formatted_once(Config(_PARTS))
    text = cfg.pretty_text
    for copied in (copy.deepcopy(cfg), cfg.copy()):
        assert copied.pretty_text == text and len(formatted) == 1
        copied.seed = 3
        assert copied.pretty_text == text + 'seed = 3\n' and cfg.pretty_text == text
        formatted.clear()
        formatted.append(text)


def test_a_config_that_is_not_to_be_formatted_is_not(formatted):
    assert formatted_once(Config(_PARTS, format_python_code=False)).pretty_text == Config(_PARTS, format_python_code=False).pretty_text
    assert formatted == []
