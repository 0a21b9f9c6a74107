"""Class means of the batches alone."""

import torch

from mmkd_ext.doctor.patient import _means


def test_a_class_without_a_sample_has_the_mean_of_all():
    embeddings = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 6.0]])
    means = _means(embeddings, torch.tensor([0, 0, 2]), 3)
    torch.testing.assert_close(means, torch.tensor([[2.0, 0.0], [4 / 3, 2.0], [0.0, 6.0]]))
