"""What a study reads of its runs; whole studies are in command_lines/test_study.py."""

import json

import pytest

from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.study_runs import scores


def test_scores_are_those_of_the_newest_start(tmp_path):
    for start, values in (('20260101_000000', [1.0, 2.0]), ('20260102_000000', [4.0, 3.0])):
        log = tmp_path / start / 'vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text('\n'.join(json.dumps({'m': value}) for value in values))
    assert scores(tmp_path, 'm') == [4.0, 3.0]
    with pytest.raises(PreflightError, match='Did it train'):
        scores(tmp_path / '20260101_000000/vis_data', 'm')
