"""Classes are compared by name before a run: training data, validation data, teachers."""

from types import SimpleNamespace

import pytest
import torch
from support.distillation_runs import extra
from support.runs import one_error, one_thread, write_config

from mmkd_ext.commands import train
from mmkd_ext.preflight.class_names import ClassOrderError, check_data_names, check_teacher_names


def data(*names):
    return SimpleNamespace(metainfo={'classes': names})


def test_validation_data_of_other_classes_are_refused():
    check_data_names(data('a', 'b'), {'val': data('a', 'b')})
    check_data_names(data('a', 'b'), {'val': SimpleNamespace()})
    with pytest.raises(ValueError, match=r"val data need .*got 2 of 3 that differ, first 'c' for 'b' at place 1\. .*val_dataloader"):
        check_data_names(data('a', 'b', 'c'), {'val': data('a', 'c', 'b')})
    with pytest.raises(ValueError, match=r'which are 2 \(a, b, \.\.\.\), got 3 \(a, b, c'):
        check_data_names(data('a', 'b'), {'val': data('a', 'b', 'c')})


def test_two_swapped_classes_of_five_of_a_teacher_are_refused_and_other_words_are_not():
    check_teacher_names('t', ('a', 'b', 'c', 'd', 'e'), data('a', 'b', 'c', 'd', 'e'))
    check_teacher_names('t', None, data('a'))
    check_teacher_names('t', ('A', 'b'), data('a', 'b'))
    check_teacher_names('t', ('a', 'b', 'c'), data('a', 'b'))  # another number: only its features can be followed
    with pytest.raises(ValueError, match=r"teacher t needs .*got 2 of 5 that differ, first 'd' for 'b' at place 1"):
        check_teacher_names('t', ('a', 'd', 'c', 'b', 'e'), data('a', 'b', 'c', 'd', 'e'))


def test_a_teacher_of_other_and_swapped_classes_ends_before_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path)
    file = tmp_path / 'teacher0.pth'
    names = ['0', '1', '2', '8', '4', '5', '6', '7', '3', 'nine']
    torch.save({**torch.load(file, weights_only=True), 'meta': {'dataset_meta': {'classes': names}}}, file)
    with one_thread():
        assert train.main([str(write_config(tmp_path, text)), '--work-dir', 'work']) == 2
    assert "got 3 of 10 that differ, first '8' for '3' at place 3" in one_error(capsys.readouterr().err)
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_a_detector_s_classes_are_not_to_be_mapped():
    for maps in (True, False):
        with pytest.raises(ClassOrderError) as error:
            check_teacher_names('t', ('b', 'a'), data('a', 'b'), maps)
        advice = str(error.value).partition('. ')[2]
        assert advice.startswith('Map its classes by' if maps else 'Give the data its order by')
