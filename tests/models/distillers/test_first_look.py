"""The first look at an example: what networks say, and a size that they do not take in one sentence with its place."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import DefaultScope

from mmkd_ext.models.distillers.first_look import first_look, teachers_first_look
from mmkd_ext.registry import MODELS

VIT = dict(type='TimmClassifier', model_name='test_vit', num_classes=10)  # of images of 160 px alone


def of(answer):
    return SimpleNamespace(look=lambda images: images.sum(), answer=answer)


def test_what_is_seen_is_answered_at_the_places():
    assert first_look(of(lambda seen, places: (seen.item(), places)), torch.ones(1, 3, 2, 4), 'there', 'The student', 'x') == (24, 'there')


@pytest.mark.parametrize('fault', [AssertionError('Input height (2) does not match'), RuntimeError('Kernel size is\n larger')])
def test_a_size_that_is_not_taken_is_one_sentence_with_its_place(fault):
    def refused(*_, **__):
        raise fault

    with pytest.raises(ValueError, match=r'^The student needs images .* got 2 x 4 pixels: [^\n]+\. Look at model\.student\.$'):
        first_look(of(refused), torch.ones(1, 3, 2, 4), None, 'The student', 'model.student')
    for size, pixels in ((None, '2 x 4'), (7, '7 x 7'), ((8, 6), '8 x 6')):
        teacher = type('Teacher', (), dict(name='t', input_size=size, __call__=refused))()
        with pytest.raises(ValueError, match=f"The teacher t needs images .* got {pixels} pixels: .*Look at the teacher's input_size"):
            teachers_first_look(teacher, torch.ones(1, 3, 2, 4), None)


def test_memory_that_is_not_there_is_no_matter_of_the_size():
    def full(*_):
        raise torch.OutOfMemoryError('CUDA out of memory')

    with pytest.raises(torch.OutOfMemoryError, match='out of memory'):
        first_look(of(full), torch.ones(1, 3, 2, 4), None, 'The student', 'model.student')


@pytest.mark.parametrize('frozen', [False, True])
def test_students_that_learn_from_one_another_and_their_teacher_say_it_too(frozen):
    small = dict(type='TimmClassifier', model_name='test_resnet', num_classes=10)
    teacher = dict(model='timm/test_vit', num_classes=10, checkpoint=None, allow_random=True, input_size=30)
    own = dict(students=dict(a=small, b=small), teacher=teacher, freeze_teacher=True) if frozen else dict(students=dict(a=small, b=VIT))
    loss = dict(kd=dict(type='mmkd_ext.KDLoss')) if frozen else dict(ml=dict(type='mmkd_ext.MutualLearningLoss'))
    who = 'The teacher timm/test_vit' if frozen else 'The network b'
    with DefaultScope.overwrite_default_scope('mmpretrain'), pytest.raises(ValueError, match=f'{who} needs images of a size that it takes, '
                                                                                             'got 30 x 30 pixels'):
        MODELS.build(dict(type='mmkd_ext.MutualLearningDistiller', **own, losses=loss, input_size=30, channel_order='rgb'))
