"""Options of a command line are read, merged, or refused with their place."""

from argparse import ArgumentParser

import pytest
from mmengine.config import Config
from support.runs import write_config

from mmkd_ext.config.cfg_options import OptionsAction, merge_options
from mmkd_ext.errors import PreflightError


@pytest.mark.parametrize('options', [{'model.head.num_classes.deep': 3}, {'train_dataloader.dataset.pipeline.x': 3}])
def test_an_option_below_a_value_is_refused(tmp_path, options):
    cfg = Config.fromfile(write_config(tmp_path))
    with pytest.raises(PreflightError, match=next(iter(options))):
        merge_options(cfg, options, 'some.py')


def test_options_are_merged_and_none_change_nothing(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path))
    before = cfg.to_dict()
    merge_options(cfg, None, 'some.py')
    assert cfg.to_dict() == before
    merge_options(cfg, {'model.head.num_classes': 3}, 'some.py')
    assert cfg.model.head.num_classes == 3 and cfg.model.head.in_channels == 32


def parsed(*words):
    parser = ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction)
    return parser.parse_args(['--cfg-options', *words]).cfg_options


def test_values_are_numbers_lists_tuples_and_words():
    found = parsed('a.b=3', 'c=[1,2]', 'd=(1,x)', 'e=0.5', 'f=True', 'g=a=b', 'h=None')
    assert found == {'a.b': 3, 'c': [1, 2], 'd': (1, 'x'), 'e': 0.5, 'f': True, 'g': 'a=b', 'h': None}


def test_spaces_inside_a_word_are_kept_and_those_around_it_are_not():
    found = parsed(
        'a=my runs/seed 0/x (1).pth', 'b=[my runs/a.pth, 2 , (c d,3)]', "c=['my runs',\"x\"]", 'd= 3', 'e=a b,c', 'f= True ', 'g=( 1, 2 )')
    assert found == {
        'a': 'my runs/seed 0/x (1).pth', 'b': ['my runs/a.pth', 2, ('c d', 3)], 'c': ['my runs', 'x'], 'd': 3, 'e': ['a b', 'c'], 'f': True,
        'g': (1, 2)}


@pytest.mark.parametrize('option', ['X', '=3', 'model..a=3', '.a=3', 'a=[(1,2]', ''])
def test_an_option_that_cannot_be_read_is_named(option):
    with pytest.raises(ValueError, match='--cfg-options needs KEY=VALUE') as raised:
        parsed('a=1', option)
    assert repr(option) in str(raised.value)


def test_whose_options_they_are_is_said(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path))
    with pytest.raises(PreflightError, match=r'The options of a variant need KEY=VALUE .*place in some\.py'):
        merge_options(cfg, {'train_dataloader.dataset.pipeline.9.type': 'X'}, 'some.py', 'The options of a variant')
