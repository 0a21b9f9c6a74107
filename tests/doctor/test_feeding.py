"""What a teacher has to be given to see certain images: the inverse of what it makes of them."""

import pytest
import torch

from mmkd_ext.doctor.feeding import _given, _seen


@pytest.mark.parametrize('view', [(None,), (None, True, [2.0, 3.0, 4.0], [0.1, 0.2, 0.3]), (None, False, [0.5], [1.0])])
def test_given_is_the_inverse_of_seen(rng, view):
    images = torch.randn(2, 3, 4, 4, generator=rng)
    torch.testing.assert_close(_seen(_given(images, view), view), images)
