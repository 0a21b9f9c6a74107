"""What networks are run for: every part is there, a part that fails is a sentence, and no network is asked twice."""

import shutil

import numpy as np
import pytest

from mmkd_ext.report import answers, cost
from mmkd_ext.report.answers import Asked, Notes, answers_part
from mmkd_ext.report.groups import grouped
from mmkd_ext.report.trained_runs import find_runs

ASKED = Asked(None, 4, 'cpu')


@pytest.fixture
def part(root, monkeypatch):
    """Makes the part, and gives its notes."""
    monkeypatch.setattr(cost, '_SECONDS', 0.0)

    def make(place=root):
        notes, places = Notes(), [place]
        return answers_part(grouped(find_runs(places)), places, ASKED, notes), notes

    return make


def test_the_student_its_teacher_and_the_student_alone_are_asked(part, root):
    found, notes = part()
    assert notes == []
    assert [row['name'] for row in found['calibration']['rows']] == ['kd', 'teacher', 'alone']
    assert found['asked'] == f'16 of 16 validation images, by the weights in {root}/runs/kd_seed0/epoch_3.pth.'
    counts = np.array([[cell['count'] for cell in cells] for _, cells in found['confusion']['rows']])
    assert counts.sum() == 16 and found['calibration']['rows'][0]['accuracy'] == pytest.approx(100 * np.trace(counts) / 16)
    assert sum(each['count'] for each in found['confusion']['mistakes']) <= 16 - np.trace(counts)
    (apart,) = found['disagreements']
    assert apart['both_right'] + apart['both_wrong'] + apart['teacher_only'] + apart['student_only'] == apart['total'] == 16
    assert apart['both_right'] + apart['student_only'] == np.trace(counts)
    for image in apart['images']:
        assert [said['name'] for said in image['said']] == ['teacher', 'kd', 'alone']
        assert all(said['right'] == (said['called'] == image['truth']) for said in image['said'])
        assert image['said'][0]['called'] != image['said'][1]['called']
    assert [row['name'] for row in found['costs']] == ['alone, kd', 'teacher (frozen, not shipped)']


def test_a_part_that_fails_is_a_sentence_and_the_others_are_there(part, monkeypatch):
    def broken(*args):
        raise RuntimeError('no such thing\nat all')

    monkeypatch.setattr(answers, 'cost_of', broken)
    monkeypatch.setattr(answers, 'pictures', broken)
    found, notes = part()
    assert found['calibration'] and found['costs'][0]['time'] == '' and found['costs'][0]['parameters']
    assert 'The images are not shown: RuntimeError: no such thing at all.' in notes and len(notes) == 2


def test_a_run_without_a_checkpoint_is_a_sentence(part, root, tmp_path):
    shutil.copytree(root / 'runs/alone_seed0', tmp_path / 'alone')
    (tmp_path / 'alone/epoch_3.pth').unlink()
    found, notes = part(tmp_path)
    assert found['costs'] == [] and found.get('calibration') is None and ['no checkpoint' in note for note in notes] == [True]
