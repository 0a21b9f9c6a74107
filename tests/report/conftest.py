"""The work dirs that the tests of the report read; whoever changes one copies it."""

import pytest
from support.reported_runs import distillation


@pytest.fixture(scope='session')
def root(tmp_path_factory):
    return distillation(tmp_path_factory.mktemp('reported'))
