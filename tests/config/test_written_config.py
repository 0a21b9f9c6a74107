"""What is written of a config is read back as the same, or refused."""

import enum
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from torch import nn

from mmkd_ext.config.written_config import HERE, written_config

pytestmark = pytest.mark.usefixtures('yapf')


@pytest.mark.parametrize('value', [
    'back\\slash', "quo'te\"s", 'two\nlines', {"it's": 1, 'a b': 2}, float('inf'), -float('inf'), float('nan'), (1,), [(), [()]], {},
    {1: 'x'}, 1e-30, True, None, b'bytes', 'unicode é 漢', '%s {} {x}'])  # fmt: skip
def test_what_is_written_is_read_back_as_it_was(tmp_path, value):
    text, read = written_config(Config(dict(model=dict(key=value, list=[value]))), 'a test')
    (tmp_path / 'a.py').write_text(text)
    for found in (read, Config.fromfile(tmp_path / 'a.py')):
        assert repr(found.model.to_dict()) == repr(dict(key=value, list=[value]))


def test_a_text_that_mmengine_would_fill_in_is_refused():
    with pytest.raises(ValueError, match='cannot be written'):
        written_config(Config(dict(model=dict(key='{{ fileBasename }}'))), 'a test')


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(('value', 'read'), [
    (np.float32(0.5), 0.5), (np.arange(3), [0, 1, 2]), (Path('a/b'), 'a/b'), (Level.HIGH, 3), ({1, 2}, {1, 2}), (2 + 1j, 2 + 1j)])
def test_relatives_of_numbers_and_text_become_literals(value, read):
    _, found = written_config(Config(dict(model=dict(key=value))), 'a test')
    assert found.model.key == read and type(found.model.key) is type(read)


@pytest.mark.parametrize('value', [print, nn.ReLU(), object()])
def test_what_no_file_can_say_is_named_with_its_place(value):
    with pytest.raises(ValueError, match=r'The config of a test needs .* as model\.layers\[1\]\.act\. .*by a name'):
        written_config(Config(dict(model=dict(layers=[1, dict(act=value)]))), 'a test')


def test_the_folder_of_a_file_is_filled_in_where_it_is_read(tmp_path):
    text, _ = written_config(Config(dict(model=dict(checkpoint=f'{HERE}/a.pth'))), 'a test')
    (tmp_path / 'c.py').write_text(text)
    assert Config.fromfile(tmp_path / 'c.py').model.checkpoint == f'{tmp_path}/a.pth'
