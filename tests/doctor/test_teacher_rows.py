"""Weights of a teacher: whole, partly, random."""

from types import SimpleNamespace

import pytest

from mmkd_ext.doctor.teacher_rows import _keys
from mmkd_ext.models.zoo.network_weights import Loaded


@pytest.mark.parametrize(('loaded', 'status'), [
    (Loaded(20, 20, (), (), 'x.pth'), 'OK'), (Loaded(19, 20, ('fc.bias',), (), 'x.pth'), 'LOOK'),
    (Loaded(10, 20, ('a',) * 10, (), 'x.pth'), 'WRONG'), (None, 'LOOK')])
def test_weights(loaded, status):
    assert _keys('t', SimpleNamespace(name='net', loaded=loaded)).status == status
