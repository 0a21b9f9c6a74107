"""The demonstration: one real run of it, and the numbers that it prints."""

import json
import re
from pathlib import Path

import mmpretrain
import pytest
import torch
from mmengine.config import Config
from support.copied_runs import trainings_in_copies
from support.copies import in_copy
from support.runs import one_error, write_config
from witnesses.parameter_counts import expected_parameters

from mmkd_ext.commands import demo
from mmkd_ext.models.build import build_model

TESKD = """
model = dict(
    backbone=dict(out_indices=(0, 1, 2, 3)),
    neck=dict(_delete_=True, type='mmkd_ext.TESKDNeck', in_channels=(4, 8, 16, 32)),
    head=dict(_delete_=True, type='mmkd_ext.TESKDHead', num_classes=10, in_channels=32))
"""


@pytest.fixture(scope='module')
def ended(tmp_path_factory):
    """One epoch of a tiny config, in a folder where an older, longer run has left a checkpoint."""
    folder = tmp_path_factory.mktemp('demo')
    config = write_config(folder, TESKD)
    (folder / 'out/plain').mkdir(parents=True)
    torch.save(dict(state_dict={}, meta={}, message_hub={}), folder / 'out/plain/epoch_9.pth')
    options = ('--cfg-options', 'train_cfg.max_epochs=1', 'model.backbone.stem_channels=6')
    with trainings_in_copies():
        result = in_copy(demo.main, '--config', config, '--out', folder / 'out', *options, cwd=folder)
    assert result.returncode == 0, result.stderr
    return config, folder / 'out', result.stdout


def table_of(text: str) -> dict[str, tuple[float, int, float]]:
    rows = re.findall(r'^(plain|TESKD(?: student \d)?) +([\d.]+) +([\d,]+) +([\d.]+)$', text, re.M)
    return {name: (float(accuracy), int(count.replace(',', '')), float(ms)) for name, accuracy, count, ms in rows}


def test_the_table_has_the_plain_network_the_teacher_and_each_student(ended):
    _, out, said = ended
    table = table_of(said)
    assert list(table) == ['plain', 'TESKD', *(f'TESKD student {i}' for i in (1, 2, 3))]
    assert all(0 <= accuracy <= 100 and ms > 0 for accuracy, _, ms in table.values())
    assert table_of((out / 'table.txt').read_text()) == table
    # A classifier of 330; the stem is 2 channels wider, in front of the first stage's projection, which it brings about.
    wider = 2 * (27 + 2) + 2 * 4 * 9 + (6 * 4 + 8)
    assert table['plain'][1] == table['TESKD'][1] == expected_parameters('plain', 18, 4) + 330 + wider
    assert len({count for _, count, _ in table.values()}) == 4


@pytest.mark.parametrize('name', ['plain', 'TESKD'])
def test_its_accuracies_are_those_that_the_run_logged(ended, name):
    _, out, said = ended
    (log,) = (out / name.lower()).glob('*/vis_data/scalars.json')
    logged = [json.loads(line).get('accuracy/top1') for line in log.read_text().splitlines()][-1]
    assert table_of(said)[name][0] == pytest.approx(logged, abs=0.005)


def test_every_file_that_it_names_is_there_and_loads(ended):
    config, out, said = ended
    named = {
        line.split()[0]: line.split()[1].rstrip(',')
        for line in said.splitlines()
        if line.startswith(('check', 'exp', 'curves'))
    }
    assert Path(named['checkpoint']).name == 'epoch_1.pth'
    assert Path(named['exported']) == out / f'teskd_{config.stem}.pth'
    plain = mmpretrain.get_model(str(Path(named['exported']).with_suffix('.py')), pretrained=named['exported'])
    state = torch.load(named['checkpoint'], weights_only=False)['state_dict']
    torch.testing.assert_close(plain.state_dict(), {key: state[key] for key in plain.state_dict()}, rtol=0, atol=0)
    assert Path(named['curves']).read_bytes().startswith(b'\x89PNG')


def test_each_step_is_announced_before_it_starts(ended):
    said = ended[2]
    places = [said.index(f'== {number}/4 ') for number in (1, 2, 3, 4)]
    assert places == sorted(places)
    assert places[0] < said.index('Epoch(train)') < places[1] < said.rindex('Epoch(val)') < places[2]


def test_both_runs_have_one_budget(ended):
    _, out, _ = ended
    plain, teskd = (Config.fromfile(out / name / 'config.py').to_dict() for name in ('plain', 'teskd'))
    differing = {key for key in {*plain, *teskd} if plain.get(key) != teskd.get(key)}
    assert differing == {'model', 'work_dir'} and plain['randomness']['seed'] == 0


@torch.no_grad()
def test_a_student_s_time_and_parameters_are_those_of_its_own_path(tmp_path, rng):
    cfg = Config.fromfile(write_config(tmp_path, TESKD))
    cfg.model.neck.eval_students = True
    model = build_model(cfg)
    images = torch.randn(4, 3, 16, 16, generator=rng)
    *features, _ = model.neck(model.backbone(images))
    widths, used = [4, 8, 16, 32], []
    backbone = sum(p.numel() for p in model.backbone.parameters())
    for i, feature in enumerate(features):
        path = demo.StudentPath(model, i)
        torch.testing.assert_close(path(images), model.head.students[i](feature))
        laterals = sum(c * 32 + 64 for c in widths[i:])
        steps = (3 - i) * (32 * 32 + 64 + 64 * 32 + 64)
        k = 2 ** (3 - i)
        branch = 32 * 32 * k * k + 32 + 64 + 32 * 32 + 32 + 64
        used.append(sum(p.numel() for p in path.parts.parameters()))
        assert used[-1] == backbone + laterals + steps + branch + 330
    assert used == sorted(used, reverse=True)


def test_a_run_that_saved_nothing_is_told_so(tmp_path):
    with pytest.raises(ValueError, match='got none'):
        demo.last_checkpoint(tmp_path)


@pytest.mark.parametrize(('path', 'said'), [
    ('curves.png', 'which is a folder'), ('plain/epoch_1.pth', 'which is a folder'), ('teskd/config.py', 'which is a folder')])
def test_what_stands_in_the_place_of_its_files_is_said_before_it_trains(tmp_path, monkeypatch, capsys, path, said):
    monkeypatch.setattr(demo, 'run_once', None)
    (tmp_path / 'out' / path).mkdir(parents=True)
    assert demo.main(['--config', 'c.py', '--out', str(tmp_path / 'out')]) == 2
    assert said in one_error(capsys.readouterr().err)
    (tmp_path / 'file').write_text('precious')
    assert demo.main(['--config', 'c.py', '--out', str(tmp_path / 'file')]) == 2
    assert 'Not a directory. Name another folder by --out.' in one_error(capsys.readouterr().err)
