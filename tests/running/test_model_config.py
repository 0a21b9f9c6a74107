"""A config for the tools that build a model by themselves."""

import sys

import pytest

from mmkd_ext.errors import PreflightError
from mmkd_ext.running.model_config import model_config


def test_options_are_merged_and_modules_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'a_module_of_this_test.py').write_text('')
    (tmp_path / 'c.py').write_text("model = dict(depth=3)\ncustom_imports = dict(imports=['a_module_of_this_test'])\n")
    assert model_config(str(tmp_path / 'c.py'), {'model.depth': 5}).model.depth == 5
    assert sys.modules.pop('a_module_of_this_test')
    assert model_config(str(tmp_path / 'c.py'), None).model.depth == 3
    del sys.modules['a_module_of_this_test']


@pytest.mark.parametrize(('content', 'got'), [
    ('a = 1', 'none'), ('model = None', 'none'), ('model = 5', '5'), ("model = 'resnet'", "'resnet'"), ('model = [1]', r'\[1\]')])
def test_a_config_without_a_model_is_one_sentence(tmp_path, content, got):
    (tmp_path / 'c.py').write_text(content)
    with pytest.raises(PreflightError, match=f'A config with a dict `model` is needed, got {got}: look at .*c.py'):
        model_config(str(tmp_path / 'c.py'), None)
