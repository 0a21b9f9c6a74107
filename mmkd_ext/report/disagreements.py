"""Images on which a teacher and its student disagree, and who is right. N images."""

from typing import NamedTuple

import numpy as np

from .predictions import Predictions


class Disagreement(NamedTuple):
    """Counts of images, and which of those with different answers are shown.

    Attributes:
        both_right: Images.
        both_wrong: In the same way, or in two.
        teacher_only: Only the teacher is right.
        student_only: Only the student is.
        agree: Images on which they say the same, right or wrong.
        shown: Places in the predictions, where they differ; the surest first, each case in turn.
    """

    both_right: int
    both_wrong: int
    teacher_only: int
    student_only: int
    agree: int
    shown: list[int]


def disagreement(predictions: Predictions, teacher: str, student: str, most: int) -> Disagreement:
    """Compare what both say.

    Args:
        predictions: Of both.
        teacher: Its name in them.
        student: Likewise.
        most: Images to show.
    """
    theirs, ours = predictions.right(teacher), predictions.right(student)
    said = predictions.scores[teacher].argmax(axis=1), predictions.scores[student].argmax(axis=1)
    differ = said[0] != said[1]
    sure = predictions.scores[teacher].max(axis=1) + predictions.scores[student].max(axis=1)
    cases = [
        [int(i) for i in np.argsort(-sure, kind='stable') if case[i]]
        for case in (differ & theirs & ~ours, differ & ours & ~theirs, differ & ~ours & ~theirs)]
    shown: list[int] = []
    while len(shown) < most and any(cases):
        shown += [case.pop(0) for case in cases if case]
    return Disagreement(
        int((theirs & ours).sum()), int((~theirs & ~ours).sum()), int((theirs & ~ours).sum()), int((ours & ~theirs).sum()),
        int((~differ).sum()), shown[:most])
