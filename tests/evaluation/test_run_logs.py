"""The curves that a run logged, joined over its starts."""

import pytest
from support.run_logs import three_epochs, train_line, write_log

from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.run_logs import Curve, read_run


def test_a_resumed_run_is_joined_and_the_later_start_wins(tmp_path):
    write_log(tmp_path, three_epochs()[:5], '20260101_000000')  # killed before the second validation
    redone = [{**line, 'loss': 9.0} if 'loss' in line else line for line in three_epochs()[3:]]
    run = read_run(write_log(tmp_path, redone, '20260101_000500'))
    assert run.curves[Curve('loss')] == [(150, 2 / 150), (300, 2 / 300), (541, 9), (691, 9), (932, 9), (1082, 9)]
    assert run.curves[Curve('accuracy/top1', val=True)] == [(391, 20), (782, 40), (1173, 60)]


def test_a_run_from_the_beginning_replaces_the_one_before(tmp_path):
    write_log(tmp_path, three_epochs(), '20260101_000000')
    run = read_run(write_log(tmp_path, three_epochs()[:6], '20260102_000000'))
    assert [step for step, _ in run.curves[Curve('loss')]] == [150, 300, 541, 691]
    assert [value for _, value in run.curves[Curve('accuracy/top1', val=True)]] == [20, 40]


def test_a_single_validated_epoch_counts_as_one(tmp_path):
    whole = [train_line(7, 1), {'accuracy/top1': 5.0, 'step': 1}]
    assert read_run(write_log(tmp_path / 'whole', whole)).epoch_length == 7
    assert read_run(write_log(tmp_path / 'killed', three_epochs()[:2])).epoch_length is None


def test_a_start_and_a_file_are_runs_as_well(tmp_path):
    log = write_log(tmp_path / 'a', three_epochs()) / '20260101_000000'
    assert read_run(tmp_path / 'a') == read_run(log) == read_run(log / 'vis_data/scalars.json')
    assert read_run(tmp_path / 'a').epoch_length == 391


def test_a_line_that_a_kill_cut_is_left_out_and_what_is_no_number_too(tmp_path):
    records = [{**train_line(1, 1), 'note': 'text'}, train_line(2, 2)]
    run = read_run(write_log(tmp_path / 'a', records, tail='{"lr": 0.1, "loss": 0.'))
    assert set(run.curves) == {Curve('lr'), Curve('loss')} and run.curves[Curve('loss')] == [(1, 2.0), (2, 1.0)]


@pytest.mark.parametrize(('content', 'said'), [
    (None, 'A run is needed, got .*, which is not there'), ('folder', r'has no \*/vis_data/scalars.json'), ('', 'got none in .*killed'),
    ('{"lr": 0.', 'got none in'), ('{"step": 1, "lr": 1}\nnonsense\n{"step": 2}\n', "got 'nonsense' in line 2"),
    ('[1]\n', r"got '\[1\]' in line 1"), ('{"step": "1"}\n', 'with a step on every line')])
def test_what_is_no_run_is_one_sentence(tmp_path, content, said):
    run = tmp_path / 'run.json'
    if content == 'folder':
        run.mkdir()
    elif content is not None:
        run.write_text(content)
    with pytest.raises(PreflightError, match=said):
        read_run(run)


def log(folder, *lines):
    (folder / 'scalars.json').write_text('\n'.join(lines) + '\n')
    return folder / 'scalars.json'


@pytest.mark.parametrize('epoch', ['0', '-1', '"a"', 'null', 'true'])
def test_an_epoch_that_is_none_counts_in_iterations(tmp_path, epoch):
    train = f'{{"loss": 1.5, "iter": 4, "step": 4, "epoch": {epoch}}}'
    run = read_run(log(tmp_path, train, '{"step": 0, "accuracy/top1": 10}'))
    assert run.epoch_length is None and run.curves[Curve('loss', False)] == [(4, 1.5)]


@pytest.mark.parametrize('step', ['true', '-5', '1.5', '"1"', 'null'])
def test_a_step_is_a_whole_number(tmp_path, step):
    with pytest.raises(PreflightError, match='with a step on every line is needed.*line 1 of'):
        read_run(log(tmp_path, f'{{"loss": 1.5, "iter": 1, "step": {step}}}'))
