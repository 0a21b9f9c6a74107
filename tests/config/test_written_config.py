"""What is written of a config is read back as the same, or refused."""

import pytest
from mmengine.config import Config

from mmkd_ext.config.written_config import written_config


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
