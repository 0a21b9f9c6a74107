"""Options of a command line are read, merged, or refused with their place."""

import pytest
from mmengine.config import Config
from support.runs import write_config

from mmkd_ext.config.cfg_options import merge_options
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
