"""Who is right where two networks say different things."""

import numpy as np

from mmkd_ext.report.disagreements import disagreement
from mmkd_ext.report.predictions import Predictions


def sure(classes, confidence=0.8):
    scores = np.full((len(classes), 3), (1 - confidence) / 2)
    scores[np.arange(len(classes)), classes] = confidence
    return scores


def test_images_are_counted_by_who_is_right_and_each_case_is_shown_in_turn():
    labels = np.array([0, 0, 0, 1, 1, 2, 2])
    teacher, student = [0, 0, 1, 1, 1, 0, 1], [0, 1, 0, 1, 0, 1, 1]
    said = Predictions(['a', 'b', 'c'], labels, dict(t=sure(teacher), student=sure(student)), [*range(7)], 7)
    found = disagreement(said, 't', 'student', 3)
    assert found[:5] == (2, 2, 2, 1, 3)  # both right 0 3; both wrong 5 6; teacher only 1 4; student only 2; agree 0 3 6
    assert set(found.shown) == {1, 2, 5}  # one of each case
    assert sum(found[:4]) == len(labels)


def test_the_surest_come_first():
    labels, teacher, student = np.array([0, 0]), sure([0, 0]), sure([1, 1])
    teacher[1] = [0.98, 0.01, 0.01]
    found = disagreement(Predictions(['a', 'b', 'c'], labels, dict(t=teacher, student=student), [0, 1], 2), 't', 'student', 9)
    assert found.shown == [1, 0]
