"""Classes without a class mean: rows of NaN and of zeros, and samples of such classes."""

import pytest
import torch

from mmkd_ext.losses.classes_without_mean import (
    any_without_mean,
    listed,
    refuse_samples_without_mean,
    rows_without_mean,
    zeros_for_absent,
)

NAN = float('nan')


def test_at_most_ten_classes_are_listed():
    assert listed(['cat', 'dog']) == 'cat, dog'
    assert listed(map(str, range(10))) == '0, 1, 2, 3, 4, 5, 6, 7, 8, 9'
    assert listed(map(str, range(11))) == '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...'


def test_rows_of_nan_become_zeros_of_a_copy():
    means = torch.tensor([[1.0, -2.0], [NAN, NAN], [0.0, 3.0]], requires_grad=True)
    found = zeros_for_absent(means)
    assert found.tolist() == [[1, -2], [0, 0], [0, 3]] and not found.requires_grad
    assert means[1].isnan().all()


@pytest.mark.parametrize(('means', 'named'), [
    ([[1.0, 2.0], [0.0, 0.0], [NAN, 1.0]], '3 classes; got none for 1, 2.'),
    ([[1.0, float('inf')], [1.0, 1.0]], '2 classes; got none for 0.'),
    ([[NAN, NAN], [NAN, NAN]], '2 classes; got none for 0, 1.'),
])  # fmt: skip
def test_rows_that_are_zero_or_partly_not_finite_and_nothing_but_nan_are_refused_by_number(means, named):
    with pytest.raises(ValueError, match=f'XLoss needs a finite class mean other than zero for each of {named}'):
        zeros_for_absent(torch.tensor(means), 'XLoss')


def test_rows_without_a_mean_are_found_in_both_forms_and_called_by_their_class():
    means = torch.tensor([[1.0, 0.0], [NAN, NAN], [0.0, 0.0], [NAN, 1.0]])
    assert rows_without_mean(means) == {1: '1', 2: '2'}
    assert rows_without_mean(means, {1: 'cat', 0: 'dog'}) == {1: '1 (cat)', 2: '2'}


@pytest.mark.parametrize('labels', [
    torch.tensor([0, 4, 2, 4]), torch.tensor(4), torch.tensor([[1.0, 0, 0, 0, 0], [0, 0, 0.9, 0, 0.1]])], ids=['labels', 'one', 'shares'])
def test_a_sample_of_such_a_class_is_refused_with_its_place(labels):
    absent = {1: '1 (dog)', 4: '4 (cat)'}
    with pytest.raises(ValueError, match=r'XLoss needs the class mean .* a sample of 4 \(cat\) in a.png, and no sample'):
        refuse_samples_without_mean(labels, absent, 'a.png', 'XLoss')
    refuse_samples_without_mean(labels, {1: '1 (dog)', 3: '3'})
    refuse_samples_without_mean(labels, {})


def test_labels_of_another_device_are_not_looked_at():
    refuse_samples_without_mean(torch.zeros(3, dtype=torch.long, device='meta'), {0: '0'})  # a look would raise


@pytest.mark.parametrize(('target', 'expected'), [
    ([0, 2], False), ([2, 1], True), ([[0.5, 0.0, 0.5]], False), ([[0.9, 0.1, 0.0]], True)])
def test_whether_a_sample_is_of_a_class_whose_row_is_zero(target, expected):
    means = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 3.0]])
    assert any_without_mean(torch.tensor(target), means).item() is expected
