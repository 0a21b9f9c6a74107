"""A config file is read with the modules that it names, or the sentence says what is wrong with it."""

import gc
import sys

import pytest

from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working folder; what a config adds to the places of modules is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    return tmp_path


def test_classes_are_their_names_and_a_base_is_merged(folder):
    (folder / 'base.py').write_text('a = dict(x=1, y=2)\n')
    (folder / 'c.py').write_text("_base_ = 'base.py'\nfrom torch import nn\na = dict(y=3, act=dict(type=nn.ReLU))\n")
    (folder / 'd.py').write_text("_base_ = 'base.py'\na = dict(y=3)\n")
    assert load_config('d.py').a == dict(x=1, y=3)
    (folder / 'e.py').write_text('from torch import nn\nact = dict(type=nn.ReLU)\n')
    assert load_config('e.py').act.type == 'ReLU'


@pytest.mark.parametrize(('content', 'said'), [
    ('a = (', 'SyntaxError'), ('a = 1 / 0', 'ZeroDivisionError|division by zero'), ("_base_ = 'absent.py'", 'absent.py'),
    ("custom_imports = dict(imports=['no_such_module_at_all'])", 'no_such_module_at_all'),
    ("custom_imports = dict(imports=['broken_beside'])", 'broken_beside|name .x. is not defined')])
@pytest.mark.filterwarnings('ignore:unclosed file:ResourceWarning')  # mmengine's copy of the config
def test_a_file_that_cannot_be_read_is_one_sentence(folder, content, said):
    (folder / 'c.py').write_text(content)
    (folder / 'broken_beside.py').write_text('x\n')
    with pytest.raises(PreflightError, match=f'A config that can be read is needed, got c.py: .*({said})') as raised:
        load_config('c.py')
    said = str(raised.value)
    raised = None
    gc.collect()
    assert '\n' not in said


def test_a_folder_is_no_config(folder):
    (folder / 'configs').mkdir()
    with pytest.raises(PreflightError, match='got configs, which is a folder; look in configs/'):
        load_config('configs')


def test_a_file_beside_the_config_is_imported_and_found_from_a_copy_elsewhere(folder):
    (folder / 'mine').mkdir()
    (folder / 'mine/beside_a_config_of_a_test.py').write_text('value = 5\n')
    (folder / 'mine/c.py').write_text("custom_imports = dict(imports='beside_a_config_of_a_test')\n")
    cfg = load_config('mine/c.py')
    assert cfg.custom_imports.imports == ['beside_a_config_of_a_test'] and cfg.custom_import_folders == [str(folder / 'mine')]
    cfg.dump(folder / 'copy.py')
    assert sys.modules.pop('beside_a_config_of_a_test').value == 5
    sys.path.remove(str(folder / 'mine'))
    again = load_config('copy.py')
    assert sys.modules.pop('beside_a_config_of_a_test').value == 5
    assert str(folder / 'mine') in again.custom_import_folders


def test_installed_modules_need_no_folder_and_names_of_the_first_version_are_the_present_ones(folder):
    (folder / 'c.py').write_text("custom_imports = dict(imports=['mmkd_ext.metrics', 'mmkd_ext.evaluation', 'json'])\n")
    cfg = load_config('c.py')
    assert cfg.custom_imports.imports == ['mmkd_ext.evaluation', 'json'] and 'custom_import_folders' not in cfg
