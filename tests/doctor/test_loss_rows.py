"""A term's verdict by its values and norms."""

import pytest

from mmkd_ext.doctor.gradients import Term
from mmkd_ext.doctor.loss_rows import _judged


@pytest.mark.parametrize(('values', 'norm', 'status'), [
    ([1.0, 2.0], 1.0, 'OK'), ([1.0, 2.0], 11.0, 'LOOK'), ([1.0, 2.0], 0.001, 'LOOK'), ([1.0, 1.0], 1.0, 'LOOK'), ([1.0, 1.0], 0.0, 'WRONG'),
    ([0.0, 0.0], 0.0, 'WRONG'), ([1.0, float('inf')], 1.0, 'WRONG')])
def test_verdicts(values, norm, status):
    assert _judged(Term('kd', values=values, norms=[norm] * 2, task_norms=[1.0] * 2))[0] == status
