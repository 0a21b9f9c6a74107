"""A distiller is saved with its student's keys, as a root, and its helpers' under `distill.`; hooks find the student's parts."""

import pytest
import torch
from mmengine.runner.checkpoint import get_state_dict
from torch import nn

from mmkd_ext.checkpoints.student_keys import PlainKeys


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = nn.BatchNorm1d(3), nn.Linear(3, 2)
        self.with_neck = False


class Distiller(PlainKeys):
    def __init__(self, student=None):
        super().__init__()
        self.student = Student() if student is None else student
        self.distill = nn.ModuleDict(dict(kd=nn.Linear(1, 1)))


def test_keys_are_the_students_and_those_of_its_helpers():
    model = Distiller()
    expected = {**model.student.state_dict(), 'distill.kd.weight': model.distill.kd.weight, 'distill.kd.bias': model.distill.kd.bias}
    for state in (model.state_dict(), get_state_dict(model)):  # mmengine's saver goes its own way
        assert set(state) == set(expected) and all(state[key].equal(value) for key, value in expected.items())


@pytest.mark.parametrize('nested', [False, True])
def test_what_was_saved_is_loaded_to_the_last_bit_and_by_the_plain_student(nested):
    one, other = (nn.Sequential(Distiller()) if nested else Distiller() for _ in range(2))
    other.load_state_dict(one.state_dict())
    assert all(value.equal(one.state_dict()[key]) for key, value in other.state_dict().items())
    plain = Student()
    state = {key.removeprefix('0.'): value for key, value in one.state_dict().items() if 'distill.' not in key}
    plain.load_state_dict(state)
    torch.testing.assert_close(plain.head.weight, (other[0] if nested else other).student.head.weight, rtol=0, atol=0)


def test_a_plain_students_checkpoint_lacks_only_the_helpers():
    missing, unexpected = Distiller().load_state_dict(Student().state_dict(), strict=False)
    assert set(missing) == {'distill.kd.weight', 'distill.kd.bias'} and unexpected == []


def test_parts_that_hooks_ask_for_are_the_students():
    model, head = Distiller(), nn.Linear(3, 5)
    assert model.backbone is model.student.backbone and model.with_neck is False
    model.head = head
    assert model.student.head is head and 'head' not in model._modules
    model.own = nn.Linear(1, 1)
    assert 'own' in model._modules and not hasattr(model.student, 'own')
    with pytest.raises(AttributeError):
        model.neck  # noqa: B018  # the student has none either
    with pytest.raises(AttributeError):
        model.layer4  # noqa: B018  # which no hook asks for


@pytest.mark.parametrize('name', ['distill', 'student'])
def test_a_student_whose_keys_would_be_taken_for_others_is_refused(name):
    student = Student()
    Distiller(student)._check_keys()
    student.add_module(name, nn.Linear(1, 1))
    with pytest.raises(ValueError, match=f'do not begin with distill. or student., got {name}.weight'):
        Distiller(student)._check_keys()
