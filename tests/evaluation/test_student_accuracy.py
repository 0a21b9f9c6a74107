"""Accuracies by hand."""

import pytest
import torch
from torch import Tensor

from mmkd_ext.evaluation.student_accuracy import StudentAccuracy
from mmkd_ext.registry import METRICS

# Four samples of three classes; what is highest, what second, and the label, by hand below.
TEACHER = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3001]]  # 0, 1, 2, 1; second 1, 2, 1, 2
SHALLOW = [[0.1, 0.2, 0.7], [0.4, 0.5, 0.1], [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]]  # 2, 1, 0, 1; second 1, 0, 1, 2
DEEP = [[0.1, 0.6, 0.3], [0.1, 0.7, 0.2], [0.2, 0.3, 0.5], [0.1, 0.1001, 0.8]]  # 1, 1, 2, 2; second 2, 2, 1, 1
LABELS = [0, 1, 1, 2]


def samples(teacher: list, *students: list) -> list[dict]:
    found = [
        dict(pred_score=torch.tensor(scores), gt_label=torch.tensor([label]))
        for scores, label in zip(teacher, LABELS, strict=True)
    ]
    for i, sample in enumerate(found):
        if students:
            sample['student_scores'] = torch.tensor([student[i] for student in students])
    return found


def evaluate(metric: StudentAccuracy, batches: list[list[dict]]) -> dict[str, float]:
    for batch in batches:
        metric.process(None, batch)
    return metric.evaluate(sum(map(len, batches)))


@pytest.mark.parametrize('sizes', [(4,), (3, 1)], ids=['one batch', 'unequal batches'])
def test_each_network_has_its_share_of_right_samples_in_percent(sizes):
    everything = samples(TEACHER, SHALLOW, DEEP)
    batches = [everything[: sizes[0]], *([everything[sizes[0] :]] if len(sizes) > 1 else [])]
    table = evaluate(StudentAccuracy(topk=(1, 2)), batches)
    assert table == {
        'accuracy/top1': 50.0,
        'accuracy/top2': 100.0,
        'accuracy/student1_top1': 25.0,
        'accuracy/student1_top2': 75.0,
        'accuracy/student2_top1': 50.0,
        'accuracy/student2_top2': 75.0,
    }


def test_without_students_the_table_has_the_deployed_network_alone():
    assert evaluate(StudentAccuracy(), [samples(SHALLOW)]) == {'accuracy/top1': 25.0}


def test_a_network_whose_scores_are_all_below_zero_is_judged_by_their_order():
    """The accuracy of mmpretrain wants scores above a threshold, 0 by default."""
    logits: list[list[float]] = (torch.tensor(TEACHER) - 5).tolist()
    assert evaluate(StudentAccuracy(), [samples(logits)]) == {'accuracy/top1': 50.0}


def test_a_config_names_it_and_another_prefix():
    metric = METRICS.build(dict(type='mmkd_ext.StudentAccuracy', prefix='val'))
    assert set(evaluate(metric, [samples(TEACHER, DEEP)])) == {'val/top1', 'val/student1_top1'}


def test_one_network_s_scores_do_not_depend_on_another_s(rng):
    def random_scores(shape: tuple[int, ...]) -> Tensor:
        return torch.rand(shape, generator=rng)

    labels = torch.randint(5, (40,), generator=rng)
    teacher, students = random_scores((40, 5)), random_scores((40, 3, 5))
    metric = StudentAccuracy()
    metric.process(
        None,
        [
            dict(pred_score=t, student_scores=s, gt_label=label[None])
            for t, s, label in zip(teacher, students, labels, strict=True)
        ],
    )
    table = metric.compute_metrics(metric.results)
    assert table['top1'] == pytest.approx(100 * (teacher.argmax(1) == labels).float().mean().item())
    for i in range(3):
        right = (students[:, i].argmax(1) == labels).float().mean().item()
        assert table[f'student{i + 1}_top1'] == pytest.approx(100 * right)
