"""A sound run has nothing but OK; every planted fault is found in the row that it belongs to, and in no other."""

import pytest
from support.coloured import network, trained_teacher, write

from mmkd_ext.commands import doctor

_LOSS = "model['losses']['kd'] = dict(type='mmkd_ext.PlantedLoss', fault='{}')"
_CHECKED = {'teacher: weights', 'teacher: two passes', 'teacher: accuracy', 'teacher: classes', 'last batch', 'samples', 'task loss',
            'loss kd', 'parameters', 'adapters', 'memory', 'time'}  # fmt: skip


@pytest.fixture(scope='module')
def state():
    return trained_teacher()


@pytest.fixture
def findings(tmp_path, monkeypatch, state):
    """Rows by what they check, of a config with `extra`."""
    monkeypatch.chdir(tmp_path)

    def find(extra='', teacher=None, weights=None, batches=4):
        rows = doctor.doctor([str(write(tmp_path / 'run', extra, teacher, weights or state)), '--device', 'cpu', '--batches', str(batches)])
        return {row.check: row for row in rows}

    return find


def unusual(rows):
    return {check: row.status for check, row in rows.items() if row.status != 'OK'}


def test_a_sound_run_is_ok_in_every_row(findings):
    rows = findings()
    assert set(rows) == _CHECKED and unusual(rows) == {}, rows
    assert rows['teacher: weights'].figures['matched'] == rows['teacher: weights'].figures['wanted'] == 9
    assert rows['teacher: accuracy'].figures['percent']['as it is fed'] > 95
    assert 'no other order of its 4 classes' in rows['teacher: classes'].text
    assert rows['samples'].figures['counts'] == [16] * 4 and rows['time'].figures['iterations'] == 20


def permuted(state, order):
    return {key: value[order] if key.startswith('head.fc') else value for key, value in state.items()}


FEEDING = {
    'wrong mean': "model['teacher']['data_preprocessor'] = dict(mean=[0.0] * 3, std=[50.0] * 3)",
    'wrong scale': "model['teacher']['data_preprocessor'] = dict(mean=[0.0] * 3, std=[1.0] * 3)",
    'BGR for RGB': "model['channel_order'] = 'rgb'\nmodel['teacher'].update(\n"
                   "    channel_order='bgr', data_preprocessor=dict(mean=[127.5] * 3, std=[50.0] * 3))",
}


@pytest.mark.parametrize('fault', FEEDING)
def test_a_teacher_that_is_fed_wrongly(findings, fault):
    rows = findings(FEEDING[fault])
    row = rows['teacher: accuracy']
    assert row.status == 'WRONG' and 'It is fed wrongly' in row.text
    best = max(row.figures['percent'], key=row.figures['percent'].get)
    assert best == ('with the other channel order' if fault == 'BGR for RGB' else "as the student's are")
    assert ('channel_order' in row.text) == (fault == 'BGR for RGB')


@pytest.mark.parametrize(('order', 'words'), [
    ([0, 1, 3, 2], '32 of 64 images'), ([1, 2, 3, 0], '64 of 64 images')], ids=['two swapped', 'all'])
def test_classes_in_another_order(findings, state, order, words):
    rows = findings(weights=permuted(state, order))
    assert rows['teacher: classes'].status == 'WRONG' and words in rows['teacher: classes'].text, rows['teacher: classes']
    assert ('bright it calls dark' if order[0] == 0 else 'red it calls dark') in rows['teacher: classes'].text
    assert set(unusual(rows)) <= {'teacher: classes', 'teacher: accuracy'}


def test_keys_that_a_checkpoint_lacks(findings, state, capsys):
    allowed = "model['teacher']['allow_missing'] = '.*'"
    most = {key: value for key, value in state.items() if not key.startswith('backbone.bn')}
    row = findings(allowed, weights=most)['teacher: weights']
    assert row.status == 'WRONG' and row.figures['missing'] == tuple(k for k in state if k.startswith('backbone.bn') and 'num_' not in k)
    with pytest.raises(ValueError, match='needs to fit the teacher'):
        findings(weights=most)


@pytest.mark.parametrize(('fault', 'words'), [('dropout', 'drawn at random'), ('train mode', 'backbone.bn in train mode')])
def test_a_teacher_that_does_not_say_the_same_twice(findings, fault, words):
    rows = findings(teacher=network(16, fault))
    assert rows['teacher: two passes'].status == 'WRONG' and words in rows['teacher: two passes'].text


LOSSES = {
    'nan': ('WRONG', 'nan in 4 of 4 batches'), 'constant': ('WRONG', '3, the same in all batches, without a gradient'),
    'dead': ('WRONG', 'a dead loss'), 'detached': ('WRONG', 'a value that changes, without a gradient'),
    'huge': ('LOOK', 'drowns the labels')}


@pytest.mark.parametrize('fault', LOSSES)
def test_a_loss_that_teaches_nothing_or_too_much(findings, fault):
    rows = findings(_LOSS.format(fault))
    status, words = LOSSES[fault]
    assert unusual(rows) == {'loss kd': status} and words in rows['loss kd'].text


def test_a_weight_of_zero_is_said_and_a_ramp_is_not_taken_for_it(findings):
    rows = findings("model['losses']['kd']['loss_weight'] = 0.0")
    assert unusual(rows) == {'loss kd': 'WRONG'} and 'its loss_weight is 0' in rows['loss kd'].text
    rows = findings("custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=3)]")
    assert unusual(rows) == {} and 'ramps from 0 over 3 epochs, here at full weight' in rows['loss kd'].text


STUDENTS = {
    'frozen': ('frozen parameters', 'LOOK', 'student.backbone.bn.weight'), 'unused': ('parameters', 'WRONG', 'backbone.unused.weight')}


@pytest.mark.parametrize('fault', STUDENTS)
def test_parameters_that_learn_nothing(findings, fault):
    rows = findings(f"model['student']['backbone']['fault'] = '{fault}'")
    check, status, words = STUDENTS[fault]
    assert unusual(rows) == {check: status} and words in rows[check].text


def test_a_last_batch_of_one_image(findings):
    rows = findings('train_dataloader.update(batch_size=21)')
    assert unusual(rows) == {'last batch': 'LOOK'} and 'drop_last=True' in rows['last batch'].text
    one_value = "model['student']['backbone']['fault'] = 'one value'\ntrain_dataloader.update(batch_size=21"
    rows = findings(f'{one_value})', batches=2)
    assert unusual(rows) == {'last batch': 'WRONG'} and '64 images in batches of 21, which leave 1' in rows['last batch'].text
    assert unusual(findings(f'{one_value}, drop_last=True)', batches=2)) == {}


def test_a_class_without_samples(findings):
    without = "train_dataloader['dataset']['without'] = 2"
    rows = findings(without)
    assert unusual(rows) == {'samples': 'WRONG'} and '1 of 4 classes have no training sample (bright)' in rows['samples'].text
    rows = findings(f"{without}\nval_dataloader['dataset']['without'] = 2")
    assert unusual(rows) == {'samples': 'LOOK'}


def test_other_models_have_the_rows_that_apply(findings):
    plain = findings("model = dict(type='ImageClassifier', **{k: v for k, v in model['student'].items() if k != 'type'})")
    assert unusual(plain) == {} and 'no frozen teacher' in plain['teacher'].text and 'loss kd' not in plain
    mutual = findings("""model = dict(
    type='mmkd_ext.MutualLearningDistiller', students=dict(a=model['student'], b=model['student']), input_size=8,
    losses=dict(peers=dict(type='mmkd_ext.MutualLearningLoss', loss_weight=3.0)))""")
    assert {'loss peers', 'task loss', 'teacher'} <= set(mutual) and mutual['loss peers'].status in ('OK', 'LOOK')
    teskd = findings("""model = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, out_indices=(1, 2, 3)),
    neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 32, 64)),
    head=dict(type='mmkd_ext.TESKDHead', num_classes=4, in_channels=64, num_students=2))""")
    assert {'loss kl', 'loss feature', 'task loss'} <= set(teskd) and teskd['loss kl'].figures['gradient'] > 0
    features = findings("""model = dict(
    type='mmkd_ext.FeatureDistiller', student=dict(type='mmengine.Tiny'), teacher=model['teacher'], input_size=8,
    losses=dict(token=dict(type='mmkd_ext.EmbeddingLoss')))
val_dataloader = val_cfg = val_evaluator = None""")
    assert unusual(features) == {} and not {'task loss', 'samples', 'teacher: accuracy'} & set(features)
    assert features['loss token'].figures['gradient'] > 0 and 'task loss' not in features['loss token'].text
