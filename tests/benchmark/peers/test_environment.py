"""An environment for other tools: it sees this one's packages and changes none of them."""

import numpy as np
import pytest

from mmkd_ext.benchmark.peers.environment import make_environment, versions
from mmkd_ext.errors import PreflightError


def test_an_environment_sees_this_one_s_packages_and_leaves_it_alone(tmp_path):
    python = make_environment(tmp_path / 'env', needed=['pip'])  # which is there
    found = versions(python, ['numpy', 'is_nowhere'])
    assert found == {'numpy': np.__version__}


def test_a_file_in_its_place_is_one_sentence(tmp_path):
    (tmp_path / 'env').write_text('a file')
    with pytest.raises(PreflightError, match='--env'):
        make_environment(tmp_path / 'env')
