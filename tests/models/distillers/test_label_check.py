"""A batch's labels are looked at before they move: samples of classes without a mean, in every form of label."""

import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData
from mmpretrain.structures import DataSample
from torch import nn

from mmkd_ext.models.distillers.label_check import look_at_labels


class Follower(nn.Module):
    def __init__(self, **absent):
        super().__init__()
        self.without_mean = {int(k[1:]): name for k, name in absent.items()}


class Preprocessor(nn.Module):
    def forward(self, data, training=False):
        return data


def looking(losses, period=None):
    preprocessor = Preprocessor()
    look_at_labels(preprocessor, nn.ModuleDict(losses), period)
    return preprocessor


def boxes(*labels):
    return BaseDataElement(gt_instances=InstanceData(labels=torch.tensor(labels)), metainfo=dict(img_path='b.png'))


@pytest.mark.parametrize('sample', [
    DataSample().set_gt_label(4), DataSample().set_gt_label([1, 4]), DataSample().set_gt_score(torch.tensor([0.3, 0, 0, 0, 0.7])),
    boxes(0, 4)], ids=['label', 'labels', 'score', 'boxes'])
@pytest.mark.parametrize('call', [lambda p, data: p(data, True), lambda p, data: p(data=data, training=True)], ids=['places', 'names'])
def test_a_sample_of_a_class_without_a_mean_is_refused(sample, call):
    preprocessor = looking(dict(kd=Follower(), nd=Follower(k4='4 (cat)')))
    fine = DataSample().set_gt_label(0)
    with pytest.raises(ValueError, match=r'Follower needs the class mean .* a sample of 4 \(cat\) in (b.png|the training data)'):
        call(preprocessor, dict(inputs=None, data_samples=[fine, sample]))


def test_the_place_is_the_image_s_file():
    sample = DataSample(metainfo=dict(img_path='folder/a.png')).set_gt_label(4)
    with pytest.raises(ValueError, match='in folder/a.png, and'):
        looking(dict(nd=Follower(k4='4')))(dict(data_samples=[sample]), True)


def test_rows_of_later_box_heads_stand_for_the_same_class():
    preprocessor = looking(dict(nd=Follower(k6='2 of head 1')), period=4)
    preprocessor(dict(data_samples=[boxes(0, 1)]), True)
    with pytest.raises(ValueError, match='a sample of 2 of head 1 in b.png'):
        preprocessor(dict(data_samples=[boxes(0, 2)]), True)


@pytest.mark.parametrize('data', [
    dict(data_samples=[]), dict(data_samples=None), dict(inputs=1), [1, 2], dict(data_samples=[BaseDataElement()]),
    dict(data_samples=[DataSample().set_gt_label(torch.tensor([4], device='meta'))])])
def test_what_has_no_labels_on_the_cpu_is_left(data):
    assert looking(dict(nd=Follower(k4='4')))(data, True) is data


def test_what_is_tested_and_a_loss_with_all_means_refuse_nothing():
    data = dict(data_samples=[DataSample().set_gt_label(4)])
    for preprocessor, training in ((looking(dict(nd=Follower(k4='4'))), False), (looking(dict(nd=Follower())), True), (looking({}), True)):
        assert preprocessor(data, training) is data
    assert looking(dict(nd=Follower(k4='4')))(data) is data
