"""HardKDLoss: cross-entropy with the teacher's decision, of the distillation token where there is one."""

from math import exp, log

import torch

from mmkd_ext.losses.hard_kd_loss import HardKDLoss, hard_kd_loss
from mmkd_ext.models.outputs.outputs import Outputs


def naive_hard_kd(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    total = 0.0
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        total += log(sum(exp(z) for z in s)) - s[t.index(max(t))]
    return torch.tensor(total / len(student))


def test_it_matches_a_naive_reference(rng):
    student, teacher = torch.randn(2, 5, 7, generator=rng)
    torch.testing.assert_close(hard_kd_loss(student, teacher), naive_hard_kd(student, teacher))


def test_a_sure_and_right_student_has_nothing_to_learn_and_the_size_of_the_teachers_logits_says_nothing(rng):
    student, teacher = torch.randn(2, 5, 7, generator=rng)
    torch.testing.assert_close(hard_kd_loss(student, teacher), hard_kd_loss(student, 9 * teacher))
    sure = 100.0 * torch.nn.functional.one_hot(teacher.argmax(dim=1), 7)
    assert hard_kd_loss(sure, teacher) < 1e-6


def test_the_distillation_token_is_taught_and_the_class_token_is_not(rng):
    said, token, teacher = torch.randn(3, 5, 7, generator=rng)
    said.requires_grad_(), token.requires_grad_()
    embedding = torch.zeros(5, 2)
    loss = HardKDLoss(loss_weight=0.5)(Outputs((), embedding, said, token), Outputs((), embedding, teacher))
    torch.testing.assert_close(loss, 0.5 * naive_hard_kd(token, teacher))
    loss.backward()
    assert token.grad is not None and said.grad is None
