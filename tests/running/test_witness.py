"""Another implementation, named by FILE.py:FUNCTION."""

import pytest

from mmkd_ext.running.witness import load_witness


@pytest.mark.parametrize(('content', 'said'), [
    ('raise OSError(3)', 'can be imported, got w.py: OSError'), ('def f(:', 'can be imported, got w.py: SyntaxError'),
    ('f = 5', 'function of w.py, got f'), ('x = 5', 'function of w.py, got f')])
def test_a_witness_that_cannot_be_called_is_named(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'w.py').write_text(content)
    with pytest.raises(ValueError, match=said):
        load_witness('w.py:f')
