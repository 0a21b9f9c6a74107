"""mmengine's loader reads every kind of address by ours: the right file, on the right device, and nothing executed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from support.crafted_files import crafted

from mmkd_ext.checkpoints import addresses, mmengine_loaders

ADDRESSES = {
    'a file': '{path}', 'torchvision': 'torchvision://net', 'modelzoo': 'modelzoo://net', 'openmmlab': 'open-mmlab://net',
    'an old name': 'openmmlab://old', 'mmcls': 'mmcls://net', 'petrel': 's3://bucket/net.pth', 'http': 'https://example.org/net.pth'}


@pytest.fixture
def addressed(tmp_path, monkeypatch):
    """A file that every address leads to; mmengine's tables of names are replaced."""
    path = tmp_path / 'net.pth'
    monkeypatch.setattr(addresses, 'get_torchvision_models', lambda: {'net': str(path)})
    monkeypatch.setattr(mmengine_loaders, 'get_mmcls_models', lambda: {'net': str(path)})
    monkeypatch.setattr(addresses, 'get_external_models', lambda: {'net': 'net.pth'})  # in mmengine's home
    monkeypatch.setattr(addresses, 'get_deprecated_model_names', lambda: {'old': 'net'})
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path))
    monkeypatch.setattr(
        addresses, 'get_file_backend', lambda name, backend_args: SimpleNamespace(get=lambda name: path.read_bytes()))
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(
        torch.hub, 'download_url_to_file', lambda url, target, progress: Path(target).write_bytes(path.read_bytes()))
    return path


def load(address, path, **options):
    return CheckpointLoader.load_checkpoint(address.format(path=path), logger='silent', **options)


@pytest.mark.parametrize('address', ADDRESSES.values(), ids=ADDRESSES)
def test_every_address_leads_to_its_weights(addressed, address):
    torch.save(dict(state_dict={'backbone.w': torch.arange(3.0), 'head.w': torch.ones(1)}), addressed)
    state = load(address, addressed)['state_dict']
    if 'mmcls' in address:  # a backbone alone
        assert list(state) == ['w'] and state['w'].tolist() == [0, 1, 2]
    else:
        assert list(state) == ['backbone.w', 'head.w'] and state['backbone.w'].tolist() == [0, 1, 2]


@pytest.mark.parametrize('address', ADDRESSES.values(), ids=ADDRESSES)
def test_no_address_leads_to_a_file_that_executes_code(addressed, tmp_path, address):
    torch.save(dict(state_dict={'backbone.w': torch.ones(1)}, meta=crafted(tmp_path / 'executed')['a plain call']), addressed)
    with pytest.raises(ValueError, match='could execute code'):
        load(address, addressed)
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('address', ['torchvision://nothing', 'openmmlab://nothing', 'mmcls://nothing'])
def test_a_name_that_mmengine_does_not_know_is_said(addressed, address):
    with pytest.raises(ValueError, match=f'A checkpoint that mmengine knows is needed, got {address}'):
        load(address, addressed)


def test_a_store_that_hands_out_no_bytes_is_said():
    with pytest.raises(ValueError, match='got pavi://net: fetch it from pavi and name the local file'):
        load('pavi://net', None)


def test_a_home_below_the_users_is_found(addressed, tmp_path, monkeypatch):
    monkeypatch.delenv('MMENGINE_HOME')
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    monkeypatch.setenv('HOME', str(tmp_path / 'user'))
    (tmp_path / 'user/.cache/mmengine').mkdir(parents=True)
    torch.save(dict(state_dict={'w': torch.ones(1)}), tmp_path / 'user/.cache/mmengine/net.pth')
    assert load('openmmlab://net', None)['state_dict']['w'].tolist() == [1]


def test_tensors_are_moved_and_what_holds_them_stays(addressed):
    inner = dict(list=[torch.ones(1), (torch.ones(1), 'text')], number=3)
    torch.save(dict(state_dict=dict(w=torch.ones(2)), meta=inner), addressed)
    for place in ('cpu', None, torch.device('cpu')):
        assert load('{path}', addressed, map_location=place)['state_dict']['w'].tolist() == [1, 1]
    for place in ('meta', torch.device('meta')):
        found = load('{path}', addressed, map_location=place)
        moved = [found['state_dict']['w'], found['meta']['list'][0], found['meta']['list'][1][0]]
        assert {tensor.device.type for tensor in moved} == {'meta'}
        assert found['meta']['list'][1][1] == 'text' and found['meta']['number'] == 3
