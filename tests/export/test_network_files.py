"""The files of one network, made and checked in memory: what fits is written as it was, and what does not is said."""

import io
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.runs import write_config

from mmkd_ext.export.network_files import _compare, _load, network_files
from mmkd_ext.models.build import build_model


@pytest.fixture
def config(tmp_path):
    return Config.fromfile(write_config(tmp_path))


def test_a_plain_network_comes_out_as_it_was(config, tmp_path):
    torch.manual_seed(0)
    state = build_model(config).state_dict()
    meta = dict(epoch=3, cfg='the whole config', dataset_meta=dict(classes=('a',)), time='now')
    files = network_files(config, state, meta, 'epoch_3.pth', Path('a/net.pth'), onnx=False, size=None)
    assert list(files) == [Path('a/net.pth'), Path('a/net.py')]
    saved = torch.load(io.BytesIO(files[Path('a/net.pth')]), weights_only=True)
    assert saved['meta'] == dict(dataset_meta=dict(classes=('a',)), epoch=3)  # nothing of the training
    assert list(saved['state_dict']) == list(state) and all(saved['state_dict'][key].equal(value) for key, value in state.items())
    (tmp_path / 'net.py').write_bytes(files[Path('a/net.py')])
    assert Config.fromfile(tmp_path / 'net.py').model.head.num_classes == 10


def test_weights_that_do_not_fit_are_told_by_their_first_differences():
    net = torch.nn.Linear(2, 3)
    state = dict(net.state_dict())
    _load(net, state, 'x.pth', 'the config')
    state['weight'] = torch.ones(4, 2)
    state['more'] = state.pop('bias')
    said = r'x\.pth needs to fit the config wholly, but 0 of 2 entries match; first missing: bias; first unexpected: more; ' \
           r'first of another shape: weight \(4, 2\) for \(3, 2\)\. Is it a checkpoint of this config\?'
    with pytest.raises(ValueError, match=said):
        _load(net, state, 'x.pth', 'the config')


def test_other_predictions_are_an_error_whatever_their_size():
    logits = torch.tensor([[0.0, 1.0, -2.0]])
    _compare(logits, logits.clone(), 'a network')
    _compare(1e6 * logits + 1, 1e6 * logits, 'a network')  # a millionth of them
    sure = torch.tensor([[1000.0, 0.0]])  # its probabilities are 1 and 0 with any of these logits
    for got, expected in ((logits + 1e-3, logits), (1.01 * sure, sure), (logits * float('nan'), logits)):
        with pytest.raises(ValueError, match='The predictions of a network need to equal .* but differ by .* Nothing was written'):
            _compare(got, expected, 'a network')
