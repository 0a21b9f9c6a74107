"""Paths and addresses lead to local files; what an address needs and does not have is said in its sentence."""

from http.client import InvalidURL
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import pytest
import torch
from support.runs import one_error, write_config

from mmkd_ext.checkpoints import addresses
from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.commands import distill, draw_detections, export_student, test, train
from mmkd_ext.models.zoo.network_weights import fetched


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    def download(url, target, progress):
        raise URLError('Name or service not known')

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)


def test_a_url_is_downloaded_once(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    calls = []

    def download(url, target, progress):
        calls.append(url)
        Path(target).write_bytes(b'weights')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    first, second = (local_checkpoint('https://example.org/a/model.pth') for _ in range(2))
    assert first == second == str(tmp_path / 'checkpoints/model.pth') and len(calls) == 1
    assert local_checkpoint('work_dirs/a.pth') == 'work_dirs/a.pth'


def test_two_addresses_that_end_in_the_same_name_are_two_files(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', lambda url, target, progress: Path(target).write_text(url))
    addresses = [f'https://example.org/{run}/model_best.pth' for run in ('a', 'b', 'c')]
    for _ in range(2):
        assert [Path(local_checkpoint(address)).read_text() for address in addresses] == addresses


def test_a_file_put_by_hand_where_an_address_would_go_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints/model.pth').write_text('by hand')
    assert Path(local_checkpoint('https://example.org/model.pth')).read_text() == 'by hand'


def test_an_address_of_a_file_is_its_path_and_letters_of_a_scheme_may_be_large(tmp_path, monkeypatch):
    assert local_checkpoint('file:///runs/a%20b.pth') == local_checkpoint('file://localhost/runs/a%20b.pth') == '/runs/a b.pth'
    monkeypatch.setattr(torch.hub, 'download_url_to_file', lambda url, target, progress: Path(target).write_text(url))
    assert Path(local_checkpoint('HTTPS://example.org/a.pth')).read_text() == 'HTTPS://example.org/a.pth'


def test_an_object_of_a_store_is_fetched_each_time_and_never_taken_for_another(tmp_path, monkeypatch):
    objects = {'s3://one/a.pth': b'first', 'cluster:s3://two/a.pth': b'other'}
    monkeypatch.setattr(addresses, 'get_file_backend', lambda name, backend_args: SimpleNamespace(get=objects.__getitem__))
    found = {address: local_checkpoint(address) for address in objects}
    assert {address: Path(path).read_bytes() for address, path in found.items()} == objects
    objects['s3://one/a.pth'] = b'second'
    assert Path(local_checkpoint('s3://one/a.pth')).read_bytes() == b'second'
    with pytest.raises(ValueError, match='fetched is needed, got petrel://none/a.pth'):
        local_checkpoint('petrel://none/a.pth')


SAID = {
    's3://bucket/a.pth': 'the package petrel_client, which is not installed',
    'petrel://bucket/a.pth': 'the package petrel_client, which is not installed',
    'cluster:s3://bucket/a.pth': 'the package petrel_client, which is not installed',
    'https://example.org/a.pth': 'Name or service not known.*Fetch it where there is a network',
    'http://example.org/': 'The address of a file is needed',
    'torchvision://resnet18': r'got https://download\.pytorch\.org/.*Name or service not known',
    'torchvision://no_such': 'that mmengine knows is needed, got torchvision://no_such',
    'modelzoo://no_such': 'that mmengine knows is needed, got modelzoo://no_such',
    'openmmlab://no_such': 'that mmengine knows is needed, got openmmlab://no_such',
    'mmcls://resnet50': 'the backbone alone, in init_cfg',
    'pavi://a': 'fetch it from pavi',
    'ftp://example.org/a.pth': 'which begins with ftp://. Fetch the file by hand',
    'gs://bucket/a.pth': 'which begins with gs://. Fetch the file by hand',
}


@pytest.mark.parametrize('address', SAID)
def test_what_an_address_needs_is_said(address):
    with pytest.raises(ValueError, match=SAID[address]):
        local_checkpoint(address)


@pytest.mark.parametrize('error', [InvalidURL('a space'), ValueError('no host'), TimeoutError('timed out')])
def test_and_what_is_wrong_with_one_that_no_server_can_have(monkeypatch, error):
    def download(url, target, progress):
        raise error

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    with pytest.raises(ValueError, match=f'got http://a/a.pth: {error}'):
        local_checkpoint('http://a/a.pth')


@pytest.mark.parametrize('wrong', ['', 5, None, True, ['a.pth']])
def test_what_is_no_path_is_named(wrong):
    with pytest.raises(ValueError, match='The path or URL of a checkpoint is needed, got'):
        local_checkpoint(wrong)


@pytest.mark.parametrize('address', ['s3://bucket/a.pth', 'gs://bucket/a.pth', 'mmcls://resnet50', 'torchvision://no_such'])
def test_a_teacher_says_it_too(address):
    with pytest.raises(ValueError, match=f'The teacher cifar/resnet20 needs weights: .*{SAID[address].split(",")[0]}'):
        fetched(address, 'cifar/resnet20')


def test_a_teacher_that_cannot_be_fetched_says_where_to_put_the_file():
    for address in ('https://huggingface.co/a/b', 'https://example.org/a.pth', 'torchvision://resnet18'):
        with pytest.raises(ValueError, match=rf'{address}, which cannot be fetched \(URLError\)\. Fetch .* or put it into'):
            fetched(address, 'cifar/resnet20')


COMMANDS = {
    'load_from': lambda config, address: train.main([config, '--cfg-options', f'load_from={address}']),
    'resume': lambda config, address: train.main([config, '--resume', address]),
    'test': lambda config, address: test.main([config, address]),
    'export': lambda config, address: export_student.main([config, address, 'out.pth']),
    'pictures': lambda config, address: draw_detections.main([config, address]),
    'distill': lambda config, address: distill.main(
        ['--data', '.', '--student', 'cifar/resnet8', '--teacher', 'cifar/resnet20', '--teacher-checkpoint', address]),
}


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_that_is_given_one_says_it(tmp_path, capsys, command):
    assert COMMANDS[command](str(write_config(tmp_path)), 's3://bucket/a.pth') == 2
    said = one_error(capsys.readouterr().err)
    assert 's3://bucket/a.pth' in said and 'petrel_client' in said, said
