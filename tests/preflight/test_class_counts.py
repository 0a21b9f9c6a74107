"""Heads, labels and top-k of different numbers of classes are refused before a run; equal ones are not."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmpretrain.evaluation.metrics import Accuracy, MultiLabelMetric
from mmpretrain.models.heads import LinearClsHead, MultiLabelLinearClsHead
from torch import nn

from mmkd_ext.evaluation.student_accuracy import StudentAccuracy
from mmkd_ext.preflight.class_counts import check_labels, check_topk


class Listed:
    """Samples without images."""

    def __init__(self, infos, classes=None):
        self.infos, self.metainfo = infos, {} if classes is None else {'classes': classes}

    def __len__(self):
        return len(self.infos)

    def get_data_info(self, index):
        return self.infos[index]


def labelled(*labels, **kwargs):
    return Listed([{} if label is None else dict(gt_label=label) for label in labels], **kwargs)


def boxed(*labels, classes=None):
    return Listed([dict(instances=[dict(bbox=[0, 0, 1, 1], bbox_label=label, ignore_flag=0) for label in labels])], classes)


def counting(classes):
    module = nn.Module()
    module.num_classes = classes
    return module


def at(path, module):
    """A model with a module at a dotted path."""
    for name in reversed(path.split('.')):
        module = nn.ModuleDict({name: module})
    return module


CLASSIFIERS = {
    'the head': at('head', LinearClsHead(3, 2)),
    "a student's head": at('student.head', LinearClsHead(3, 2)),
    "one of several networks' heads": at('networks.first.head', LinearClsHead(3, 2)),
    "timm's network": at('student.model', counting(3)),
    "VGG's backbone": at('backbone', counting(3)),
    'labels in a list': at('head', MultiLabelLinearClsHead(3, 2)),
}


@pytest.mark.parametrize('model', CLASSIFIERS.values(), ids=CLASSIFIERS)
@pytest.mark.parametrize('wrong', [3, -1, np.int64(7)])
def test_a_label_that_no_head_has_is_refused(model, wrong):
    check_labels(model, labelled(0, 2, np.int64(1)), 'train')
    with pytest.raises(ValueError, match=rf'val labels.*0\.\.2.*{wrong}.*num_classes'):
        check_labels(model, labelled(0, 2, wrong), 'val')


@pytest.mark.parametrize('model', CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_head_of_more_classes_than_the_data_name_is_refused(model):
    for name in ('train', 'val', 'test'):
        with pytest.raises(ValueError, match=rf'{name} data need the 3 classes .*got 2 in Listed.*num_classes.*metainfo=dict\(classes'):
            check_labels(model, labelled(0, 1, 1, classes=('a', 'b')), name)
    check_labels(model, labelled(0, 1, 1, classes=('a', 'b', 'spare')), 'train')  # named, though it never occurs
    check_labels(model, labelled(0, 1, 1, classes=('a', 'b', 'c', 'd')), 'train')  # a part of the classes
    check_labels(model, labelled(0, 1, 1), 'train')  # data that name none
    check_labels(model, labelled(None, None, classes=('a', 'b')), 'train')  # no labels, as where only a teacher is followed


def test_labels_of_several_tasks_are_compared_each_with_its_own_head():
    model = at('head.task_heads', nn.ModuleDict(dict(kind=LinearClsHead(3, 2), hue=LinearClsHead(2, 2))))
    check_labels(model, labelled(dict(kind=2, hue=1), dict(kind=0)), 'train')
    with pytest.raises(ValueError, match=r'0\.\.1.*head\.task_heads\.hue.*got 1\.\.2'):
        check_labels(model, labelled(dict(kind=2, hue=1), dict(kind=0, hue=2)), 'train')


@pytest.mark.parametrize(
    ('labels', 'said'),
    [((0, 'cat'), "whole numbers, got 'cat'"), ((0, 1.5), 'whole numbers, got 1.5'), ((0, [1, 2]), r'one label.*\[1, 2\]'),
     ((0, None, 1), 'every image, got 1 without'), ((0, []), r'one label.*got \[\]')])  # fmt: skip
def test_labels_that_a_head_for_one_cannot_take_are_refused(labels, said):
    with pytest.raises(ValueError, match=said):
        check_labels(at('head', LinearClsHead(3, 2)), labelled(*labels), 'train')


def test_a_head_for_several_labels_takes_any_number_of_them_and_scores_for_all_classes():
    model = at('head', MultiLabelLinearClsHead(3, 2))
    check_labels(model, labelled([0, 2], [], [1]), 'train')
    check_labels(model, Listed([dict(gt_score=[0, 1, 1])]), 'train')
    with pytest.raises(ValueError, match='3 numbers an image.*got 4'):
        check_labels(model, Listed([dict(gt_score=[0, 1, 1, 0])]), 'train')


@pytest.mark.parametrize('path', ['roi_head.bbox_head', 'student.roi_head.bbox_head.1', 'bbox_head', 'networks.first.roi_head.mask_head'])
def test_a_detector_needs_the_classes_of_the_data_no_more_and_no_fewer(path):
    check_labels(at(path, counting(2)), boxed(0, 1, classes=('a', 'b')), 'train')
    for classes in (('a',), ('a', 'b', 'c')):
        with pytest.raises(ValueError, match=rf'2 classes that model\.{path} has, got {len(classes)}'):
            check_labels(at(path, counting(2)), boxed(0, classes=classes), 'val')
    with pytest.raises(ValueError, match=r'0\.\.1.*got 0\.\.2'):
        check_labels(at(path, counting(2)), boxed(0, 2), 'train')
    check_labels(at('rpn_head', counting(1)), boxed(0, 2, classes=('a', 'b', 'c')), 'train')


def test_a_class_name_without_a_comma_is_no_list_of_letters():
    with pytest.raises(ValueError, match=r"the text 'cat'.*\('cat',\)"):
        check_labels(at('bbox_head', counting(3)), boxed(0, classes='cat'), 'train')


@pytest.mark.parametrize('metric', [Accuracy(topk=(1, 3)), StudentAccuracy(topk=(3, 4)), MultiLabelMetric(topk=4), Accuracy(topk=0)])
def test_a_k_beyond_the_classes_is_refused(metric):
    model = at('student.head', LinearClsHead(4, 2))
    check_topk(model, [metric] if metric.topk != (0,) else [Accuracy(), SimpleNamespace(topk=99)], 'val')
    with pytest.raises(ValueError, match=r'1 to 2.*model\.head, got Top-\d.*topk of .* in val_evaluator'):
        check_topk(at('head', LinearClsHead(2, 2)), [metric], 'val')


def test_the_topk_of_a_head_counts_where_it_is_used():
    for used in (False, True):
        model = at('networks.first.head', LinearClsHead(4, 2, topk=(1, 5), cal_acc=used))
        if used:
            with pytest.raises(ValueError, match=r'1 to 4.*Top-5.*model\.networks\.first\.head\.topk'):
                check_topk(model, [], 'train')
        else:
            check_topk(model, [], 'train')


def test_the_heads_of_a_segmentor_need_the_classes_that_the_data_name():
    model = nn.Module()
    model.decode_head, model.auxiliary_head = nn.ModuleList([counting(5), counting(5)]), counting(5)
    maps = Listed([dict(seg_map_path='a.png')], classes=('a', 'b', 'c'))
    with pytest.raises(ValueError, match=r'need the 5 classes that model.decode_head.0 has, got 3 in Listed \(a, b, c\)'):
        check_labels(model, maps, 'train')
    check_labels(model, Listed([dict(seg_map_path='a.png')], classes=tuple('abcde')), 'train')
