"""Detectors: a sound run has nothing but OK, every planted fault is found in its row, and each kind is asked about its classes."""

import pytest
import torch
from support import dense, detection, query
from support.coloured_boxes import knowing_teacher, write

from mmkd_ext.commands import doctor

pytestmark = pytest.mark.det


@pytest.fixture(scope='module')
def state():
    return knowing_teacher()


@pytest.fixture
def findings(tmp_path, monkeypatch, state):
    """Rows by what they check, of a config with `extra`."""
    monkeypatch.chdir(tmp_path)

    def find(extra='', weights=None):
        rows = doctor.doctor([str(write(tmp_path / 'run', extra, weights or state)), '--device', 'cpu', '--batches', '2'])
        return {row.check: row for row in rows}

    return find


def unusual(rows):
    return {check: row.status for check, row in rows.items() if row.status != 'OK'}


def test_a_sound_run_is_ok_in_every_row(findings):
    rows = findings()
    assert unusual(rows) == {}, rows
    accuracy = rows['teacher: accuracy']
    assert accuracy.figures['percent']['as it is fed'] == 100 and 'positive positions are right' in accuracy.text
    # what is green stays, what is red or blue is taken for the other
    assert accuracy.figures['percent']['with the other channel order'] == pytest.approx(100 / 3, abs=8)
    assert 'no other order of its 3 classes' in rows['teacher: classes'].text and rows['samples'].figures['counts'] == [11, 11, 10]


def permuted(state, order):
    return {key: value[order] if key.startswith('bbox_head.retina_cls') else value for key, value in state.items()}


def test_wrong_channels_and_another_order_of_the_classes(findings, state):
    own = "dict(mean=[127.5] * 3, std=[127.5] * 3)"
    rows = findings(f"model['channel_order'] = 'rgb'\nmodel['teacher'].update(channel_order='bgr', data_preprocessor={own})")
    assert rows['teacher: accuracy'].status == 'WRONG' and 'look at channel_order' in rows['teacher: accuracy'].text
    rows = findings(weights=permuted(state, [1, 2, 0]))
    order = rows['teacher: classes']
    assert order.status == 'WRONG' and 'red it calls blue' in order.text and 'metainfo=dict(classes=...)' in order.text


def test_random_weights_and_a_loss_without_weight_and_a_class_without_samples(findings, state):
    noise = {key: torch.randn(value.shape, generator=torch.Generator().manual_seed(1)) for key, value in state.items()}
    rows = findings(weights=noise)
    assert rows['teacher: accuracy'].status == 'WRONG' and 'chance for 3 classes' in rows['teacher: accuracy'].text
    extra = "model['losses']['kd']['loss_weight'] = 0.0\ntrain_dataloader['dataset']['without'] = 1"
    rows = findings(extra)
    assert unusual(rows) == {'loss kd': 'WRONG', 'samples': 'LOOK'} and '(green)' in rows['samples'].text


def test_a_frozen_student_and_an_image_that_is_no_number(findings):
    rows = findings("model['student']['backbone']['frozen'] = True")
    assert rows['task loss'].status == 'WRONG' and rows['task loss'].text.endswith('is it frozen?')
    assert rows['frozen parameters'].status == 'LOOK'
    rows = findings("train_dataloader['dataset']['nan'] = 3")
    assert unusual(rows) == {'images': 'WRONG'} and '1 images of 2 batches hold NaN or Inf (3.png)' in rows['images'].text
    rows = findings("train_dataloader['dataset']['nan'] = 3\ntrain_dataloader['batch_size'] = 16")
    assert unusual(rows) == {'images': 'WRONG'} and set(rows) == {'images', 'last batch', 'samples'}
    with pytest.raises(ValueError, match='got NaN or Inf in 0.png. Look at the file'):
        findings("train_dataloader['dataset']['nan'] = 0")


KINDS = {'faster': (detection, 'sampled regions with an object'), 'deformable': (query, 'true boxes'), 'gfl': (dense, 'positive positions')}


@pytest.mark.filterwarnings('ignore:.*num_anchors', 'ignore:torch.meshgrid', 'ignore::DeprecationWarning')  # mmdet's
@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_of_detector_is_asked_about_its_classes(findings, kind):
    support, samples = KINDS[kind]
    network = {key: value for key, value in support.tiny(kind, classes=3).items() if key != 'data_preprocessor'}
    rows = findings(f'''
_net = dict({network!r}, data_preprocessor=_preprocessor)
model['student'] = _net
model['teacher'] = dict(model=_net, checkpoint=None, allow_random=True)
''')
    accuracy = rows['teacher: accuracy']
    assert accuracy.figures['images'] >= 32 and f'{samples} are right as it is fed' in accuracy.text
    assert accuracy.status == 'WRONG' and 'chance for 3 classes' in accuracy.text and 'random weights' in rows['teacher: weights'].text
