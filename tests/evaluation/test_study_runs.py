"""What a study reads of its runs; whole studies are in command_lines/test_study.py."""

import json

import pytest
from mmengine.config import Config

from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.study_plan import variant_config
from mmkd_ext.evaluation.study_runs import Study, scores


def test_scores_are_those_of_the_newest_start(tmp_path):
    for start, values in (('20260101_000000', [1.0, 2.0]), ('20260102_000000', [4.0, 3.0])):
        log = tmp_path / start / 'vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text('\n'.join(json.dumps({'m': value}) for value in values))
    assert scores(tmp_path, 'm') == [4.0, 3.0]
    with pytest.raises(PreflightError, match='Did it train'):
        scores(tmp_path / '20260101_000000/vis_data', 'm')


@pytest.mark.parametrize(('lines', 'said'), [
    (['{"m": 1.0}', '{"m": 2.', '{"m": 3.0}'], 'JSON on every line is needed, got .*Was it cut'),
    (['{"m": [1.0, 2.0]}'], r"one number is needed, got 'm' with \[1.0, 2.0\]")])
def test_a_log_that_no_result_can_be_read_from_is_one_sentence(tmp_path, lines, said):
    log = tmp_path / '20260101_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('\n'.join(lines) + '\n')
    with pytest.raises(PreflightError, match=said):
        scores(tmp_path, 'm')


@pytest.mark.parametrize('missing', ['teachers', 'same_start'])
def test_all_configs_are_there_before_the_first_training(tmp_path, monkeypatch, missing):
    plain = tmp_path / 'plain.py'
    plain.write_text('a = 1\n')
    plan = Config(dict(variants=dict(v=dict(config=str(plain))), metric='m', teachers=dict(first=dict(config=str(plain)))))
    plan.merge_from_dict({'teachers.second.config': 'nobody.py'} if missing == 'teachers' else dict(same_start='nobody.py'))
    monkeypatch.setattr('mmkd_ext.evaluation.study_runs.run_once', lambda *_: pytest.fail('a training began'))
    with pytest.raises(PreflightError, match=r'A config file is needed, got nobody\.py'):
        Study(plan, tmp_path / 'out').runs([0], 1)


def test_the_keys_of_options_are_words(tmp_path):
    plain = tmp_path / 'plain.py'
    plain.write_text('a = 1\n')
    with pytest.raises(PreflightError, match='need keys that are words.*got 3'):
        variant_config(dict(config=str(plain), options={3: 1}), tmp_path / 'v')
