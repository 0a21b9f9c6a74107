"""The contract for kinds: what a subclass need not say, and what it must."""

import inspect

import pytest
import torch
from mmengine.config import ConfigDict
from torch import nn

from mmkd_ext.models.outputs.kinds.base import Kind, Pass
from mmkd_ext.models.outputs.outputs import Outputs

SAID = Outputs((torch.zeros(2, 3, 4, 4),), torch.zeros(2, 3), torch.zeros(2, 5))
MUST = dict(
    is_config=({},), is_network=(nn.Identity(),), train=(None, [], None), look=(None,), answer=(None, None), example=((3, 8, 8),),
    class_mean_samples=(None, {}, 5), predict=(None, None, []), raw=(None, None), joined_raw=({}, True), joined=(None, {}, {}),
    raw_predictions=(nn.Identity(), None), example_samples=(None, 5))


@pytest.mark.parametrize('name', MUST)
def test_what_a_kind_must_say_itself(name):
    with pytest.raises(NotImplementedError):
        getattr(Kind(nn.Identity()), name)(*MUST[name])


def test_nothing_else_must_be_said():
    methods = {name for name, x in inspect.getmembers(Kind) if callable(x) and not name.startswith('_')}
    silent = {name for name in methods if 'raise NotImplementedError' in inspect.getsource(getattr(Kind, name))}
    assert silent == set(MUST)


def test_a_kind_compares_all_stages_and_counts_all_samples_and_classes_unless_it_says_otherwise():
    assert Kind.levels((8, 8), SAID, SAID) is None and Kind.counted(torch.zeros(2), 5) is None
    assert Kind.classes_of(SAID) == 5 and Kind(nn.Identity()).mean_rows(5) == (5, 'one for each class of the student')
    plain = ConfigDict(type='X')
    assert Kind.deployed(plain) is plain and Kind.set_classes(plain, 3) is False and plain == dict(type='X')
    assert Kind.order('bgr', None) == 'bgr' and Kind.order(None, None) is None
    assert Kind(nn.Identity()).class_mean_provenance() is None
    assert not Kind.takes_guesses and Kind(nn.Identity()).guess(None, 3) is None


def test_a_kind_refuses_nothing_unless_it_says_so():
    kind = Kind(nn.Identity(), 'teacher')
    assert kind.who == 'teacher'
    kind.check()
    kind.check_installed()
    kind.check_loss('kd', None, (8, 8), SAID, SAID)
    preprocessor = nn.Identity()
    kind.watch_data(preprocessor, 5)
    assert not preprocessor._forward_pre_hooks


def test_images_have_the_shape_that_the_network_takes():
    kind = Kind(nn.Conv2d(1, 4, 3))
    assert kind.input_shape(dict(backbone=dict(type='ResNet_CIFAR')), None) == (1, 32, 32) and kind.input_shape({}, (8, 9)) == (1, 8, 9)


def test_rows_of_class_means_are_named_by_the_data_or_numbered():
    kind = Kind(nn.Identity())
    assert kind.class_mean_names(('cat', 'dog'), 2) == ['cat', 'dog'] and kind.class_mean_names(None, 2) == ['0', '1']
    with pytest.raises(ValueError, match=r"the student's 5 classes, got 2 \(cat, dog, ...\). Look at num_classes of its head"):
        kind.class_mean_names(('cat', 'dog'), 5)


def test_a_pass_has_what_a_distiller_reads_by_name():
    seen = Pass({}, SAID, torch.zeros(2), torch.ones(2), None, 'features')
    assert (seen.outputs, seen.rows.tolist(), seen.features) == (SAID, [1, 1], 'features')
