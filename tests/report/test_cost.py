"""Sizes are counted by hand; a time is that of one image of the data's size."""

import pytest
import torch
from mmengine.config import Config

from mmkd_ext.models.build import build_model
from mmkd_ext.report import cost

NET = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64))


def test_a_network_is_measured_on_one_image(monkeypatch):
    monkeypatch.setattr(cost, '_SECONDS', 0.0)
    cfg, seen = Config(dict(model=NET, default_scope='mmpretrain')), []
    network = build_model(cfg)
    network.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape)))
    found = cost.cost_of(network, cfg, 'cpu')
    assert found.parameters == 78042 and found.shape == (3, 32, 32)
    held = sum(x.numel() * x.element_size() for x in network.state_dict().values())
    assert found.megabytes == pytest.approx(held / 1e6) and held > 4 * 78042
    assert set(seen) == {(1, 3, 32, 32)} and len(seen) == 2 + cost._FEWEST
    assert 0 < found.spread[0] <= found.milliseconds <= found.spread[1]


def test_times_are_a_median_with_its_spread(monkeypatch):
    ticks = iter([0.0, 0.1, 1.0, 1.2, 2.0, 2.3, 3.0, 3.4, 4.0, 4.5, 5.0, 5.6])
    monkeypatch.setattr(cost.time, 'perf_counter', lambda: next(ticks))
    found = cost._timed(cost.Cost(1, 2.0), (3, 4, 5), lambda: None)
    assert found.milliseconds == pytest.approx(300.0) and found.spread == pytest.approx((100.0, 500.0)) and found.megabytes == 2.0


def test_a_machine_is_named_with_its_threads():
    assert f'{torch.get_num_threads()} of ' in cost.this_machine('cpu') and torch.__version__ in cost.this_machine('cpu')


def test_an_onnx_graph_is_measured_too(tmp_path, monkeypatch):
    onnx = pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    monkeypatch.setattr(cost, '_SECONDS', 0.0)
    kinds = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node('Relu', ['images'], ['logits'])], 'g', [kinds('images', 1, ['batch', 3, 4, 4])],
        [kinds('logits', 1, ['batch', 3, 4, 4])])
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid('', 17)])
    onnx.save(model, tmp_path / 'a.onnx')
    found = cost.onnx_cost(tmp_path / 'a.onnx', (3, 4, 4))
    assert found.milliseconds > 0 and found.megabytes == (tmp_path / 'a.onnx').stat().st_size / 1e6
