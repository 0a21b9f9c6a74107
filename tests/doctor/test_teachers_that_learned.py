"""Two-stage and query teachers that have learned: right as they are, found with classes in another order and with a wrong normalisation.

Dense ones: test_examine_detectors.py.
"""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DATASETS, MODELS, DefaultScope
from support import detection, query
from support.coloured_boxes import write
from support.runs import one_thread

from mmkd_ext.commands import doctor

pytestmark = [
    pytest.mark.det, pytest.mark.slow,
    pytest.mark.filterwarnings('ignore:.*num_anchors', 'ignore:torch.meshgrid', 'ignore::DeprecationWarning')]  # mmdet's
SIGHT = dict(type='DetDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)
PIPELINE = [dict(type='LoadAnnotations', with_bbox=True), dict(type='PackDetInputs', meta_keys=('img_path', 'img_shape', 'ori_shape'))]


def learned(network, steps):
    """Its state after some steps on the coloured squares."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'), one_thread():
        model = MODELS.build(ConfigDict(copy.deepcopy(network), data_preprocessor=SIGHT))
        model.init_weights()
        images = [(each['inputs'], each['data_samples']) for each in DATASETS.build(dict(type='mmengine.Boxes', pipeline=PIPELINE))]
        optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
        for step in range(steps):
            batch = images[8 * (step % 2) :][:8]
            data = model.data_preprocessor(
                dict(inputs=[image for image, _ in batch], data_samples=[copy.deepcopy(sample) for _, sample in batch]), True)
            loss, _ = model.parse_losses(model(**data, mode='loss'))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
    return model.state_dict()


KINDS = {
    'faster': (detection.tiny('faster'), 40, 'fc_cls'),
    'deformable': (query.tiny('deformable', embed=16, queries=6, layers=1), 80, 'cls_branches')}


@pytest.fixture(scope='module', params=KINDS)
def trained(request):
    network, steps, head = KINDS[request.param]
    network = {key: value for key, value in network.items() if key != 'data_preprocessor'}
    return network, learned(network, steps), head


@pytest.fixture
def asked(tmp_path, monkeypatch, trained):
    """The teacher's rows about its accuracy and its classes, with `extra`, and with the scores of its classes in another order."""
    monkeypatch.chdir(tmp_path)
    network, state, head = trained

    def ask(extra='', order=(0, 1, 2)):
        moved = {
            key: value[[*order, *range(3, len(value))]] if head in key and value.shape[:1] in ((3,), (4,)) else value
            for key, value in state.items()}
        text = f'_net = dict({network!r}, data_preprocessor=_preprocessor)\nmodel.update(student=_net)\nmodel["teacher"]["model"] = _net\n'
        path = write(tmp_path / 'run', text + extra, moved)
        rows = {row.check: row for row in doctor.doctor([str(path), '--device', 'cpu', '--batches', '2'])}
        return rows['teacher: accuracy'], rows['teacher: classes']

    return ask


def test_what_it_knows_is_read_and_what_is_planted_is_found(asked):
    accuracy, classes = asked()
    assert (accuracy.status, classes.status) == ('OK', 'OK') and accuracy.figures['percent']['as it is fed'] > 95
    assert accuracy.figures['images'] >= 32

    for order, calls, right in (((1, 0, 2), [1, 0, 2], 1 / 3), ((1, 2, 0), [2, 0, 1], 0.0)):
        accuracy, classes = asked(order=order)
        assert classes.status == 'WRONG' and classes.figures['calls'] == calls and 'metainfo=dict(classes=...)' in classes.text
        assert accuracy.status == 'WRONG' and 'its classes are in another order' in accuracy.text
        assert accuracy.figures['percent']['as it is fed'] == pytest.approx(100 * right, abs=8)

    twice = 'dict(_preprocessor, std=[127.5 * 255] * 3)'  # images of 0 to 1 that are divided by 255 once more
    accuracy, _ = asked(f"model['teacher']['model'] = dict(_net, data_preprocessor={twice})")
    assert accuracy.status == 'WRONG' and 'look at data_preprocessor (mean, std)' in accuracy.text
    assert accuracy.figures['percent']["as the student's are"] > 95
