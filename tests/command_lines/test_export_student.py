"""The export from the command line: what cannot work is one sentence before a model is built."""

import importlib.util
import re
import runpy
from pathlib import Path

import pytest
from support.runs import REPO, one_error, write_config

from mmkd_ext.commands.export_student import main
from mmkd_ext.export import network_files as export_files


@pytest.mark.parametrize(
    ('out', 'said'),
    [
        ('folder.pth', 'is a folder'),
        ('taken.pth', 'taken.py, which is a folder'),
        ('file/student.pth', 'Not a directory'),
        ('/proc/absent/student.pth', 'No such file'),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_a_model_is_built(tmp_path, monkeypatch, capsys, out, said):
    monkeypatch.chdir(tmp_path)
    Path('folder.pth').mkdir()
    Path('taken.py').mkdir()
    Path('file').write_text('precious')
    monkeypatch.setattr(export_files, 'build_model', None)
    assert main([str(write_config(tmp_path)), 'absent.pth', out]) == 2
    text = one_error(capsys.readouterr().err)
    assert out.removesuffix('.pth') in text and said in text and Path('file').read_text() == 'precious'


@pytest.mark.parametrize(
    ('config', 'flags', 'said'),
    [('model = None', (), 'dict `model`'), ('', ('--size', '0'), 'got 0'), ('', ('--size', '-4'), 'got -4')],
)
def test_arguments_that_cannot_work_are_one_sentence(tmp_path, capsys, config, flags, said):
    assert main([str(write_config(tmp_path, config)), 'absent.pth', str(tmp_path / 'a.pth'), *flags]) == 2
    assert said in one_error(capsys.readouterr().err)


@pytest.mark.parametrize('name', ['onnx', 'onnxscript', 'onnxruntime'])
def test_onnx_that_is_not_installed_is_said_before_a_model_is_built(tmp_path, monkeypatch, capsys, name):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec', lambda asked: None if asked == name else find(asked))
    monkeypatch.setattr(export_files, 'build_model', None)
    assert main([str(write_config(tmp_path)), 'absent.pth', str(tmp_path / 'a.pth'), '--onnx']) == 2
    text = one_error(capsys.readouterr().err)
    assert f'needs {name}, ' in text and "pip install -e '.[onnx]'" in text
    # without onnx asked for, nothing is missing
    assert main([str(write_config(tmp_path)), 'absent.pth', str(tmp_path / 'a.pth')]) == 2
    assert 'absent.pth' in one_error(capsys.readouterr().err)


def test_the_extra_that_the_sentence_names_brings_what_onnx_needs():
    # run, not read: what pip would see
    asked: dict = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr('setuptools.setup', lambda **options: asked.update(options))
        runpy.run_path(str(REPO / 'setup.py'))
    names = {re.split(r'[<>=]', requirement)[0] for requirement in asked['extras_require']['onnx']}
    assert names == {'onnx', 'onnxscript', 'onnxruntime'}
    assert set(asked['extras_require']['onnx']) <= set(asked['extras_require']['dev'])
