"""EfficientNet-Lite's weights under efficientnet_pytorch's keys become timm's."""

import re

import pytest
import timm
import torch
from support.runs import one_error

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from tools.model_converters.efficientnet_lite import main

NAME = 'tf_efficientnet_lite0'


def published(network):
    """The network's weights, named as that package names them: the norms of a block are counted, its convolutions named."""
    names, block = {}, -1
    for key in network.state_dict():
        at = re.match(r'blocks\.(\d+\.\d+)\.(.*)', key)
        if not at:
            names[key] = {'conv_stem': '_conv_stem', 'bn1': '_bn0', 'conv_head': '_conv_head', 'bn2': '_bn1', 'classifier': '_fc'}[
                key.split('.')[0]] + key[key.index('.'):]
            continue
        block += at[2] == 'conv_dw.weight' and at[1] == '0.0' or at[2] == 'conv_pw.weight' and at[1] != '0.0'
        expands = at[1] != '0.0'
        layer, rest = at[2].split('.', 1)
        first = '_expand_conv' if expands else '_project_conv'
        convolutions = {'conv_dw': '_depthwise_conv', 'conv_pw': first, 'conv_pwl': '_project_conv'}
        norm = f'_bn{int(layer[2]) - expands}' if layer.startswith('bn') else ''
        names[key] = f'_blocks.{block}.{convolutions.get(layer, norm)}.{rest}'
    return {names[key]: value for key, value in network.state_dict().items()}


def test_each_weight_goes_where_it_was(tmp_path, capsys):
    torch.manual_seed(0)
    network = timm.create_model(NAME)
    torch.save(published(network), tmp_path / 'a.pth')
    assert {'_blocks.15._bn2.bias', '_blocks.0._project_conv.weight', '_fc.bias'} <= published(network).keys()
    assert main([str(tmp_path / 'a.pth'), NAME, str(tmp_path / 'b.pth')]) == 0
    assert 'all 296 entries' in capsys.readouterr().out
    converted = read_checkpoint(tmp_path / 'b.pth')['state_dict']
    torch.testing.assert_close(converted, dict(network.state_dict()), rtol=0, atol=0)


@pytest.mark.parametrize('other', [dict(timm.create_model('tf_efficientnet_lite0', num_classes=5).state_dict()), {'a': torch.zeros(1)}],
                         ids=['timm keys', 'another'])
def test_another_network_is_one_sentence_and_writes_nothing(tmp_path, capsys, other):
    torch.save(other, tmp_path / 'a.pth')
    assert main([str(tmp_path / 'a.pth'), NAME, str(tmp_path / 'b.pth')]) == 2
    assert f'Weights of {NAME} under the keys of efficientnet_pytorch are needed' in one_error(capsys.readouterr().err)
    assert not (tmp_path / 'b.pth').exists()
