"""What a distilled detector leaves behind: the stock detector's own checkpoint."""

import copy
import pickle
import warnings

import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmengine.runner.checkpoint import _load_checkpoint_to_model, get_state_dict
from support.detection import LOSSES, build, distiller, pair, raw, read, teacher_of, tiny, with_means

from mmkd_ext.export.export_student import export_student
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.models.zoo.trained_network import network_config as student_config
from mmkd_ext.registry import MODELS

KINDS = pytest.mark.parametrize('kind', ['faster', 'mask', 'cascade'])


def step(model, data):
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.01)))
    torch.manual_seed(1)
    return {k: float(v.detach()) for k, v in model.train().train_step(copy.deepcopy(data), optim).items()}


def config(model, **more):
    """A config with what `init_detector` and the export read of it."""
    test = get_config('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py').test_dataloader
    return Config(dict(model=model, test_dataloader=test, default_scope='mmdet', **more))


def init_detector(cfg, checkpoint):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of mmdet, for an optional package that is absent
        from mmdet.apis import init_detector

        return init_detector(cfg, str(checkpoint), device='cpu', palette='coco')


def boxes(model, data):
    with torch.no_grad():
        found = model.eval()(*read(model, data, training=False), mode='predict')
    return [(x.pred_instances.bboxes, x.pred_instances.scores, x.pred_instances.labels) for x in found]


@KINDS
def test_a_training_checkpoint_loads_into_init_detector_with_the_stock_config(kind, tmp_path, rng):
    model = pair(kind)
    data = raw(rng, masks=kind == 'mask')
    step(model, data)
    torch.save(dict(state_dict=get_state_dict(model), meta=dict(dataset_meta=dict(classes=('a', 'b', 'c')))), tmp_path / 'iter_1.pth')
    stock = init_detector(config(tiny(kind)), tmp_path / 'iter_1.pth')
    torch.testing.assert_close(stock.state_dict(), model.student.state_dict(), rtol=0, atol=0)
    mine = {key for key in get_state_dict(model) if not key.startswith('distill.')}
    assert mine == set(build(tiny(kind)).state_dict())
    got, expected = boxes(model, data), boxes(stock, data)
    assert sum(len(x[0]) for x in expected) > 0
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_a_checkpoint_goes_back_in_wholly_and_training_goes_on_the_same(rng):
    model, data = pair(), raw(rng)
    step(model, data)
    state = copy.deepcopy(get_state_dict(model))
    other = distiller(tiny(), teacher_of(tiny(width=16, embedding=48)), LOSSES)  # the class means come with the checkpoint
    _load_checkpoint_to_model(other, dict(state_dict=state), strict=True)
    torch.testing.assert_close(other.state_dict(), model.state_dict(), rtol=0, atol=0)
    other.teachers = model.teachers
    assert step(other, data) == step(model, data)
    assert copy.deepcopy(model).teachers['teacher'] is model.teachers['teacher']
    assert pickle.dumps(model.state_dict())


@pytest.mark.parametrize('student', ['dict', 'file', 'zoo'])
def test_the_export_is_the_plain_student_with_the_same_predictions(student, tmp_path, rng):
    cfg = tiny()
    if student == 'file':
        Config(dict(model=cfg)).dump(tmp_path / 'student.py')
    named = {'dict': cfg, 'file': str(tmp_path / 'student.py'), 'zoo': 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'}[student]
    model = dict(type='mmkd_ext.TwoStageDistiller', student=named, teacher=teacher_of(tiny(width=16)), losses={})
    if student == 'zoo':
        assert plain_model(model) == get_config(named).model == student_config(named)
        return
    trained = MODELS.build(copy.deepcopy(model))
    torch.save(dict(state_dict=get_state_dict(trained), meta=dict(dataset_meta=dict(classes=('a', 'b', 'c')))), tmp_path / 'iter_1.pth')
    files = export_student(config(model), tmp_path / 'iter_1.pth', tmp_path / 'out.pth', size=64)
    assert [x.name for x in files] == ['out.pth', 'out.py']
    stock = init_detector(Config.fromfile(files[1]), files[0])
    data = raw(rng)
    torch.testing.assert_close(boxes(stock, data), boxes(trained, data), rtol=0, atol=0)
    with pytest.raises(ValueError, match='ONNX export is for classifiers and dense detectors, got a two-stage detector'):
        export_student(config(model), tmp_path / 'iter_1.pth', tmp_path / 'o.pth', onnx=True, size=64)


def test_the_export_notices_other_predictions(tmp_path, monkeypatch):
    model = dict(type='mmkd_ext.TwoStageDistiller', student=tiny(), teacher=teacher_of(tiny()), losses={})
    torch.save(dict(state_dict=get_state_dict(with_means(MODELS.build(copy.deepcopy(model)))), meta={}), tmp_path / 'iter_1.pth')

    def spoiled(network, state, *_):
        network.load_state_dict(state)
        spoiled.calls += 1
        if spoiled.calls == 2:
            network.roi_head.bbox_head.fc_cls.bias.data[0] += 1e-2

    spoiled.calls = 0
    monkeypatch.setattr('mmkd_ext.export.network_files._load', spoiled)
    with pytest.raises(ValueError, match='predictions of the plain network of .* but differ by'):
        export_student(config(model), tmp_path / 'iter_1.pth', tmp_path / 'out.pth', size=64)
    assert not (tmp_path / 'out.pth').exists()


def test_predictions_are_the_student_s(rng):
    model, data = pair(), raw(rng)
    torch.testing.assert_close(boxes(model, data), boxes(model.student, data), rtol=0, atol=0)
