"""tools/compare_peers.py: a tiny real comparison, its table by hand, and what it refuses."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from support.runs import one_error

from mmkd_ext.benchmark.peers import rounds
from mmkd_ext.commands import compare_peers
from mmkd_ext.datasets.cifar import CIFAR100

TINY = ['--ours', 'ours', 'ours, bf16 teacher', '--pair', 'cifar', '--precision', 'float32', '--batch-size', '4', '--iterations', '1',
        '--rounds', '2']


@pytest.fixture
def cifar(tmp_path):
    for name in CIFAR100.METAINFO['classes']:
        (tmp_path / 'c100/train' / name).mkdir(parents=True)
        Image.fromarray(np.full((32, 32, 3), len(name), dtype=np.uint8)).save(tmp_path / 'c100/train' / name / 'a.png')
    return tmp_path / 'c100'


def test_ours_and_a_plain_loop_side_by_side(cifar, tmp_path, capsys):
    readme, out = tmp_path / 'README.md', tmp_path / 'peers.json'
    readme.write_text('before\n<!-- peers -->\n<!-- /peers -->\nafter\n')
    words = [*TINY, '--cifar', str(cifar), '--peers', 'plain loop', '--readme', str(readme), '--out', str(out)]
    assert compare_peers.main(words) == 0, capsys.readouterr().err
    rows = json.loads(out.read_text())['rows']
    assert [row['name'] for row in rows] == ['ours', 'ours, bf16 teacher', 'plain loop']
    for row in rows:
        assert len(row['cpu']) == len(row['wall']) == 2 and min(*row['cpu'], *row['wall']) > 0
    text = readme.read_text()
    assert text.startswith('before\n<!-- peers -->\n`python tools/compare_peers.py --ours ours')
    assert text.endswith('<!-- /peers -->\nafter\n')
    assert "--cifar CIFAR --peers 'plain loop'` (" in text and str(tmp_path) not in text and re.search(r'torch \d', text)
    assert text.count('| resnet56 -> resnet20, 32 px, batch 4 | float32 |') == 3


def test_the_table_says_how_many_times_ours_is():
    common = dict(pair='imagenet', batch=16, precision='float32')
    rows = [dict(name='ours', cpu=[30.0, 33.0, 31.0], wall=[3.0] * 3, **common),
            dict(name='ours, bf16 teacher', cpu=[60.0, 33.0, 62.0], wall=[6.0] * 3, **common),
            dict(name='timm', cpu=[20.0, 22.0, 31.0], wall=[2.0] * 3, **common)]
    rows.append({**rows[0], 'precision': 'bfloat16'})
    lines = compare_peers.peers_table(rows).splitlines()
    assert [cell.strip() for cell in lines[2].split('|')[1:-1]] == [
        'resnet34 -> resnet18, 224 px, batch 16', 'float32', 'ours', '31.0', '3.0', '-', '-', '2.00']
    assert [cell.strip() for cell in lines[3].split('|')[1:-1]][2:] == ['ours, bf16 teacher', '60.0', '6.0', '0.50', '-', '-']
    # of 1.5, 1.5, 1; 3, 1.5, 2
    assert [cell.strip() for cell in lines[4].split('|')[1:-1]][2:] == ['timm', '22.0', '2.0', '1.50', '-', '2.00']
    assert [cell.strip() for cell in lines[5].split('|')[2:-1]] == ['bfloat16', 'ours', '31.0', '3.0', '-', '-', '-']


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert compare_peers.main([*TINY, '--cifar', str(tmp_path / 'nowhere')]) == 2
    text = one_error(capsys.readouterr().err)
    assert 'nowhere' in text and '--cifar' in text


def test_another_number_of_class_folders_is_one_sentence(tmp_path, capsys):
    (tmp_path / 'one').mkdir()
    assert compare_peers.main([*TINY, '--pair', 'imagenet', '--images', str(tmp_path)]) == 2
    assert '10 class folders are needed for the pair imagenet, got 1' in one_error(capsys.readouterr().err)


def test_a_process_that_ends_is_one_sentence_with_its_log(tmp_path, cifar, capsys, monkeypatch):
    monkeypatch.setattr(rounds, '_TRAIN', 'raise SystemExit("no archive here")')
    words = [*TINY, '--cifar', str(cifar), '--peers', 'plain loop', '--work-dir', str(tmp_path / 'kept')]
    assert compare_peers.main(words) == 2
    text = one_error(capsys.readouterr().err)
    assert text.startswith('error: ours needs to train, got an end: no archive here') and 'ours_float32.log' in text


def test_an_environment_that_cannot_be_made_is_one_sentence(tmp_path, cifar, capsys):
    (tmp_path / 'env').write_text('a file')
    assert compare_peers.main([*TINY, '--cifar', str(cifar), '--env', str(tmp_path / 'env')]) == 2
    assert '--env' in one_error(capsys.readouterr().err)
