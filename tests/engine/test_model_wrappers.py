"""A model out of the wrapper that trains it."""

from torch import nn

from mmkd_ext.engine.model_wrappers import unwrapped


def test_a_wrapped_model_is_taken_out_and_a_bare_one_with_a_part_of_that_name_is_not():
    model = nn.Linear(2, 1)
    assert unwrapped(nn.DataParallel(model)) is model and unwrapped(model) is model
    model.module = nn.ReLU()
    assert unwrapped(model) is model
