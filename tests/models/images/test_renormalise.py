"""Images of one normalisation as those of another: against mmpretrain's own preprocessors, in all orders of channels."""

import pytest
import torch
from mmengine.structures import BaseDataElement
from mmpretrain.models import ClsDataPreprocessor

from mmkd_ext.models.images.renormalise import Renormalise, without_padding

S = dict(mean=[10.0, 20.0, 30.0], std=[70.0, 80.0, 90.0])
T = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0])


def normalised(loaded, cfg):
    return ClsDataPreprocessor(**cfg)(dict(inputs=loaded))['inputs']


@pytest.fixture
def loaded(rng):
    return torch.randint(256, (2, 3, 5, 6), generator=rng, dtype=torch.uint8)


@pytest.mark.parametrize(('s_rgb', 't_rgb'), [(True, True), (True, False), (False, False)])
def test_it_gives_what_the_teachers_preprocessor_would_make_of_what_was_loaded(loaded, s_rgb, t_rgb):
    student, teacher = dict(S, to_rgb=s_rgb), dict(T, to_rgb=t_rgb)
    convert = Renormalise('t', ClsDataPreprocessor(**student), teacher)
    torch.testing.assert_close(convert(normalised(loaded, student)), normalised(loaded, teacher), rtol=1e-4, atol=1e-5)
    assert convert.flip == (s_rgb != t_rgb) and convert.order == ('rgb' if t_rgb else 'bgr' if s_rgb else None)


@pytest.mark.parametrize(('student_order', 'teacher_order'), [('rgb', 'rgb'), ('rgb', 'bgr'), ('bgr', 'rgb'), ('bgr', 'bgr')])
def test_named_orders_go_before_what_the_preprocessors_do(loaded, student_order, teacher_order):
    convert = Renormalise('t', ClsDataPreprocessor(**S), T, student_order, teacher_order)
    turned = loaded if student_order == teacher_order else loaded.flip(1)
    torch.testing.assert_close(convert(normalised(loaded, S)), normalised(turned, T), rtol=1e-4, atol=1e-5)
    assert convert.order == teacher_order


def test_the_same_normalisation_gives_the_very_tensor_back(loaded):
    images = normalised(loaded, S)
    assert Renormalise('t', ClsDataPreprocessor(**S), S)(images) is images


def test_without_numbers_of_its_own_a_side_has_images_in_0_to_255(loaded):
    to_raw = Renormalise('t', ClsDataPreprocessor(**S), {})
    torch.testing.assert_close(to_raw(normalised(loaded, S)), loaded.float(), rtol=1e-4, atol=1e-4)


def test_swapped_images_are_those_of_the_other_order(loaded):
    convert = Renormalise('t', ClsDataPreprocessor(**S), T)
    torch.testing.assert_close(convert.swapped(normalised(loaded, T)), normalised(loaded.flip(1), T), rtol=1e-4, atol=1e-5)


def test_one_number_for_all_channels_and_grey_images_have_no_order(rng):
    grey = torch.randint(256, (2, 1, 4, 4), generator=rng, dtype=torch.uint8)
    student, teacher = dict(mean=[33.0], std=[78.0]), dict(mean=[10.0], std=[5.0])
    convert = Renormalise('t', ClsDataPreprocessor(**student), teacher, 'rgb', 'bgr')
    torch.testing.assert_close(convert(normalised(grey, student)), normalised(grey, teacher), rtol=1e-4, atol=1e-5)


def test_bfloat16_images_stay_so(loaded):
    images = normalised(loaded, S).bfloat16()
    assert Renormalise('t', ClsDataPreprocessor(**S), T)(images).dtype is torch.bfloat16


def test_an_order_that_nobody_knows_is_asked_for_and_a_wrong_one_named():
    student = ClsDataPreprocessor(**S)
    with pytest.raises(ValueError, match=r"the teacher timm/x takes rgb, .* Set the distiller's channel_order='rgb'"):
        Renormalise('timm/x', student, dict(T, to_rgb=True))
    for orders in (('gbr', None), (None, 'gbr')):
        with pytest.raises(ValueError, match="channel_order needs to be 'rgb', 'bgr' or None, got 'gbr'"):
            Renormalise('t', student, T, *orders)


def test_images_for_a_teacher_of_the_cifar_zoo_are_taken_for_rgb_with_a_warning(monkeypatch):
    texts = []
    monkeypatch.setattr('mmkd_ext.models.images.renormalise.print_log', lambda text, *_: texts.append(text))
    assert not Renormalise('cifar/resnet8', ClsDataPreprocessor(**S), dict(T, to_rgb=True)).flip
    (text,) = texts
    assert 'taken to be RGB' in text and "channel_order='bgr'" in text


def test_what_was_padded_becomes_zero_and_nothing_else():
    images = torch.ones(2, 3, 4, 6)
    samples = [BaseDataElement(metainfo=dict(img_shape=shape)) for shape in ((4, 6), (2, 5))]
    found = without_padding(images, samples)
    assert found is images and images[0].all() and images[1, :, :2, :5].all() and images[1].sum() == 3 * 2 * 5
    assert without_padding(torch.ones(1, 3, 2, 2), None).all()
    with pytest.raises(ValueError, match='zip'):
        without_padding(images, samples[:1])


@pytest.mark.parametrize(('teacher', 'words'), [
    (dict(mean=[1.0] * 4, std=[1.0] * 3), "got {'mean': 3, 'std': 3} and {'mean': 4, 'std': 3} of them. Look at both data_preprocessors"),
    (dict(mean=[1.0, 2.0], std=[1.0]), "and {'mean': 2, 'std': 1}"),
    (dict(mean='imagenet'), "The teacher t needs numbers as mean of its data_preprocessor, got 'imagenet'"),
    (dict(mean=[1.0, None, 2.0]), r'needs numbers as mean of its data_preprocessor, got \[1.0, None, 2.0\]'),
    (dict(mean=[[1.0, 2.0], [3.0]]), 'needs numbers as mean'), (dict(mean=[]), r'finite numbers as mean .* got \[\]'),
    (dict(std=[1.0, 0.0, 1.0]), r'as std of its data_preprocessor, a std above 0, got \[1.0, 0.0, 1.0\]'),
    (dict(std=[float('nan')] * 3), 'needs finite numbers as std'), (dict(mean=float('inf')), 'needs finite numbers as mean'),
])  # fmt: skip
def test_what_is_no_normalisation_is_refused_with_its_owner(teacher, words):
    with pytest.raises(ValueError, match=words):
        Renormalise('t', ClsDataPreprocessor(**S), teacher)
