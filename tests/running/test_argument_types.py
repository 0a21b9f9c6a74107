"""What the command lines cannot use is refused before the work starts, by every tool that takes it."""

import importlib
from argparse import ArgumentTypeError

import pytest
import torch
from support.runs import one_error

from mmkd_ext.checkpoints.weights import check_weights
from mmkd_ext.commands import test as test_tool
from mmkd_ext.commands.plot_curves import check_picture
from mmkd_ext.running.argument_types import check_device, finite, positive, threads

MODEL_TOOLS = {
    'benchmark': [], 'compute_class_means': [], 'draw_detections': ['x.pth'], 'export_student': ['x.pth', 'y.pth'],
    'test': ['x.pth'], 'train': []}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(capsys, tool, *argv):
    """The sentence with which a tool ends."""
    assert importlib.import_module(f'mmkd_ext.commands.{tool}').main([str(each) for each in argv]) == 2
    return one_error(capsys.readouterr().err)


@pytest.mark.parametrize('kind', [positive, threads, finite])
def test_numbers_below_or_none_are_refused(kind):
    assert kind('3') == 3
    for wrong in ('-1', 'nan', 'inf', 'x', ''):
        with pytest.raises(ArgumentTypeError, match='needed, got'):
            kind(wrong)
    assert finite('0') == 0 and finite('0.5') == 0.5
    with pytest.raises(ArgumentTypeError, match='1 to 4096 threads'):
        threads('99999999999')


@pytest.mark.parametrize('flags', [['--interval', '0'], ['--interval', '-1'], ['--wait-time', '-1'], ['--wait-time', 'nan']])
def test_pictures_are_drawn_at_an_interval(capsys, flags):
    with pytest.raises(SystemExit, match='2'):
        test_tool.main(['c.py', 'x.pth', *flags])
    assert f'argument {flags[0]}: a ' in capsys.readouterr().err


@pytest.mark.parametrize('device', ['meta', 'foo', '-1', ''])
def test_a_device_that_cannot_compute_is_refused_by_every_tool(tmp_path, capsys, device):
    check_device('cpu')
    with pytest.raises(ValueError, match=f"needs one that this machine has, such as 'cpu' or 'cuda:0', got '{device}': "):
        check_device(device)
    assert f'got {device!r}' in refused(capsys, 'benchmark', 'c.py', f'--device={device}')
    assert f'got {device!r}' in refused(capsys, 'draw_detections', 'c.py', 'x.pth', f'--device={device}')


@pytest.mark.parametrize('content', ['a = 1', 'model = 5', 'model = None', "model = 'resnet'", 'model = [1]'])
@pytest.mark.parametrize('tool', MODEL_TOOLS)
def test_a_config_without_a_model_is_one_sentence_of_every_tool(tmp_path, capsys, tool, content):
    (tmp_path / 'c.py').write_text(content)
    assert 'c.py' in refused(capsys, tool, 'c.py', *MODEL_TOOLS[tool])


@pytest.mark.parametrize(('flag', 'value', 'said'), [
    ('--out', 'file/x.json', 'file/x.json'), ('--out', '.', 'is a folder'), ('--readme', 'file', 'needs the markers'),
    ('--readme', 'absent.md', 'absent.md')])
def test_a_benchmark_that_cannot_write_does_not_measure(tmp_path, capsys, flag, value, said):
    (tmp_path / 'file').write_text('')
    assert said in refused(capsys, 'benchmark', 'absent.py', flag, value)


def test_a_pictures_name_is_looked_at_before_the_work(tmp_path):
    check_picture(tmp_path / 'a.PNG')
    for wrong in ('a.txt', 'a', '.png'):
        with pytest.raises(ValueError, match='A picture named .*is needed'):
            check_picture(tmp_path / wrong)


def test_weights_that_are_not_numbers_are_not_tested():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    state = {key: value.clone() for key, value in net.state_dict().items()}
    check_weights(net, dict(state_dict=state), 'x.pth')
    state['1.running_var'][1] = float('nan')
    with pytest.raises(ValueError, match=r'x.pth, where 1 of 2 in 1.running_var are NaN'):
        check_weights(net, dict(state_dict=state), 'x.pth')
    state['1.running_var'][1] = float('inf')  # which a mask may hold
    check_weights(net, dict(state_dict=state), 'x.pth')
