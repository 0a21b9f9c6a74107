"""What was trained, the accuracies, and the sentence that the page begins with: by hand from the logs."""

import pytest

from mmkd_ext.report.groups import grouped
from mmkd_ext.report.journey_record import record_file, record_text
from mmkd_ext.report.overview import accuracy_part, headline, in_order, summary, trained_part
from mmkd_ext.report.trained_runs import find_runs


@pytest.fixture(scope='module')
def groups(root):
    return in_order(grouped(find_runs([root])))


def test_accuracies_are_of_the_last_validation_and_the_frozen_teachers_of_the_log(groups):
    part = accuracy_part(groups)
    rows = {row['name']: (row['last'][0].values, row['seeds']) for row in part['accuracy_rows']}
    assert rows == {'teacher (frozen)': ([70.0], ''), 'alone': ([50.0, 60.0], 2), 'kd': ([53.0, 61.0], 2)}
    (gain,) = part['gains']
    assert gain['name'] == 'kd' and gain['overs'][0].values == [3.0, 1.0] and gain['says'] == 'cannot be told from 0, 2 pairs'
    # differences 3 and 1: mean 2, deviation sqrt(2), t(0.975, 1) = 12.706: 2 +- 12.71
    assert part['headline'] == 'Distillation: +2.00 points over the student alone (95 % interval -10.71 to +14.71, 2 paired seeds).'
    assert 'alone              55.00 ± 63.53' in summary(part) and part['headline'] in summary(part)


def test_one_seed_has_no_interval_and_without_the_student_alone_nothing_is_said_of_a_gain(root):
    one = grouped(find_runs([root / 'runs/alone_seed0', root / 'runs/kd_seed0']))
    assert headline(one, 'accuracy/top1') == (
        'Distillation: +3.00 points over the student alone, one seed, so without an interval (--seeds 3 gives one).')
    taught = grouped(find_runs([root / 'runs/kd_seed0']))
    assert headline(taught, 'accuracy/top1') == 'The student alone was not trained, so what distillation gave is not known.'
    assert headline(grouped(find_runs([root / 'runs/alone_seed0'])), 'accuracy/top1') is None


def test_configs_differ_by_what_the_distiller_has_beside_the_student(root, groups):
    part = trained_part(groups, [root])
    keys = [row['key'] for row in part['differences']]
    assert part['reference'] == 'alone' and 'model (beside the student).losses.kd.tau' in keys
    assert not any('seed' in key or 'work_dir' in key or key.startswith('model.backbone') for key in keys)
    assert [(row['name'], row['seeds'], row['epochs']) for row in part['groups']] == [('alone', '0, 1', '3 of 3'), ('kd', '0, 1', '3 of 3')]
    assert part['groups'][1]['what'] == 'OfflineDistiller: kd (KDLoss), nd (NDLoss)'
    assert part['adapters'] == [('kd', 'loss  where\nnd    embedding <32>')]


def test_commands_repeat_every_run_elsewhere_and_test_and_export_the_student(root, groups):
    lines = trained_part(groups, [root])['commands'].splitlines()
    kd = root / 'runs/kd_seed0'
    assert lines[2] == f'mmkd train {kd}/config.py --work-dir {kd}_again' and len(lines) == 7
    assert lines[4:] == [
        f'mmkd test {kd}/config.py {kd}/epoch_3.pth --work-dir {kd}_test', f'mmkd export {kd}/config.py {kd}/epoch_3.pth student.pth',
        f'mmkd report {root}']


def test_a_journeys_command_and_remarks_are_told(tmp_path, groups):
    record_file(tmp_path).parent.mkdir()
    record_file(tmp_path).write_text(record_text('mmkd distill --data <x>', ['a remark'], []))
    part = trained_part(groups, [tmp_path])
    assert part['remarks'] == ['a remark'] and part['commands'].startswith('mmkd distill --data <x>\n')
