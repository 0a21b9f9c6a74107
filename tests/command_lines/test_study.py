"""The study's table: what is run, what is kept, and numbers by hand."""

import itertools
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.copied_runs import run_in_a_copy
from support.runs import TESKD, one_error, write_config

from mmkd_ext.commands import study
from mmkd_ext.evaluation import study_runs
from mmkd_ext.models.build import build_model


@pytest.fixture
def plan(tmp_path):
    """A study file of two variants and two seeds."""

    def write(**extra: object) -> Path:
        config = write_config(tmp_path, TESKD)
        variants = dict(plain=dict(config=str(config), plain=True), teskd=dict(config=str(config)))
        path = tmp_path / 'study_tiny.py'
        path.write_text(f'study = {dict(metric="accuracy/top1", seeds=[3, 7], variants=variants) | extra!r}\n')
        return path

    return write


@pytest.fixture
def ran(monkeypatch) -> list[tuple[str, str, int]]:
    """Runs that are not made: (type of the head, work dir's parent, seed); the metric is a function of them."""
    calls: list[tuple[str, str, int]] = []
    starts = itertools.count(1)

    def run_once(config: Path, work_dir: Path, seed: int, options=(), quiet=True) -> float:
        head = Config.fromfile(config).model.head.type
        calls.append((head, work_dir.parent.name, seed))
        log = work_dir / f'20260101_{next(starts):06}/vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        level = 50.0 + 10 * ('TESKD' in head) + seed
        rows = [{'loss': 1.0, 'step': 1}, *({'accuracy/top1': level + d, 'step': 1} for d in (0.5, 2.0, 1.0))]
        log.write_text('\n'.join(map(json.dumps, rows)))
        return 8.0 + seed

    monkeypatch.setattr(study_runs, 'run_once', run_once)
    return calls


def test_a_study_runs_seed_by_seed_and_keeps_what_has_run(plan, ran, tmp_path, capsys):
    out = tmp_path / 'out'
    assert study.main([str(plan()), '--out', str(out), '--seeds', '3']) == 0
    assert study.main([str(plan()), '--out', str(out)]) == 0
    heads = dict(plain='LinearClsHead', teskd='mmkd_ext.TESKDHead')
    assert ran == [(heads[name], name, seed) for seed in (3, 7) for name in ('plain', 'teskd')]
    before = (out / 'table.md').read_text()
    assert study.main([str(plan()), '--out', str(out)]) == 0
    assert len(ran) == 4 and (out / 'table.md').read_text() == before  # nothing again
    results = json.loads((out / 'results.json').read_text())
    assert len({run.pop('digest') for runs in results.values() for run in runs}) == 4
    assert results['teskd'] == [
        dict(seed=3, last=64.0, best=65.0, seconds=11.0),
        dict(seed=7, last=68.0, best=69.0, seconds=15.0),
    ]
    assert '| plain | 56.00 ± 2.83 | 57.00 ± 2.83 | 2 | 13 |' in before and '| teskd | 66.00 ± 2.83 |' in before
    assert '[4/4] teskd, seed 7: last 68.00, best 69.00' in capsys.readouterr().out


def test_a_result_of_another_config_is_run_again_and_says_so(plan, ran, tmp_path, capsys):
    path, out = plan(seeds=[3]), tmp_path / 'out'
    assert study.main([str(path), '--out', str(out)]) == 0
    base = tmp_path / 'base.py'  # what both variants' config is built on
    base.write_text(base.read_text().replace('lr=0.05', 'lr=0.06'))
    record = out / 'plain/seed3/result.json'
    capsys.readouterr()
    assert study.main([str(path), '--out', str(out)]) == 0
    assert [call[1] for call in ran] == ['plain', 'teskd'] * 2
    said = capsys.readouterr().out
    assert said.count('it runs again') == 2 and f'{record} is of another config' in said
    for broken in ('{"seed": 3, "last": 1.0, "best": 1.0, "seconds": 1.0}', '{"seed"', '[]'):  # the first: of an older version
        record.write_text(broken)
        assert study.main([str(path), '--out', str(out)]) == 0
        assert 'no digest' in capsys.readouterr().out
    assert [call[1] for call in ran[4:]] == ['plain'] * 3
    assert study.main([str(path), '--out', str(out)]) == 0 and len(ran) == 7
    assert 'again' not in capsys.readouterr().out


def test_the_readme_gets_the_table_and_its_command(plan, ran, tmp_path):
    readme = tmp_path / 'README.md'
    readme.write_text('before\n<!-- study_tiny -->\nold\n<!-- /study_tiny -->\nafter ± é\n', encoding='utf-8')
    for _ in range(2):  # the second time changes nothing
        assert study.main([str(plan()), '--out', str(tmp_path / 'out'), '--readme', str(readme)]) == 0
        text = readme.read_text(encoding='utf-8')
        assert text.startswith('before\n<!-- study_tiny -->\n') and text.endswith('<!-- /study_tiny -->\nafter ± é\n')
        assert 'old' not in text and text.count('| teskd | 66.00 ± 2.83 |') == 1
        assert f'`python tools/study.py {tmp_path / "study_tiny.py"}` (seeds 3, 7)' in text


def test_a_metric_that_no_run_logs_is_named_with_those_that_are(plan, ran, tmp_path, capsys):
    assert study.main([str(plan(metric='accuracy/top5')), '--out', str(tmp_path / 'out')]) == 2
    said = one_error(capsys.readouterr().err)
    assert "'accuracy/top5'" in said and 'accuracy/top1' in said and len(ran) == 1
    assert not list(tmp_path.rglob('result.json'))  # mended, it runs again


@pytest.mark.parametrize(
    ('text', 'word'),
    [
        ('a = 1', 'dict `study`'),
        ('study = 3', 'dict `study`'),
        ('study = (', 'can be read'),
        (None, 'not there'),
        ("study = dict(metric='m')", 'without variants, seeds'),
        ("study = dict(metric='m', seeds=[0], variants=dict(a=dict(plain=False)))", 'variants.a.config'),
        ("study = dict(metric='m', seeds=[0], variants=dict(a=dict(cfg='x')))", "got 'cfg', which nobody reads"),
        ("study = dict(metric='m', seeds=[], variants=dict(a=dict(config='x')))", 'a seed'),
    ],
)
def test_a_file_that_is_no_study_is_one_sentence(tmp_path, capsys, text, word):
    path = tmp_path / 'study_none.py'
    if text is not None:
        path.write_text(text)
    assert study.main([str(path)]) == 2
    assert word in one_error(capsys.readouterr().err)


def test_an_output_that_is_a_file_is_refused_before_a_run(plan, ran, tmp_path, capsys):
    (tmp_path / 'file').write_text('precious')
    assert study.main([str(plan()), '--out', str(tmp_path / 'file')]) == 2
    assert 'Not a directory' in one_error(capsys.readouterr().err) and ran == []


@pytest.mark.parametrize(
    'name', ['table.md', 'plain/config.py', 'teskd/seed7/result.json', 'teskd/seed7/epoch_1.pth', 'plain/seed3/run.json'])
def test_a_folder_in_the_place_of_a_later_run_s_file_is_refused_before_the_first(plan, ran, tmp_path, capsys, name):
    (tmp_path / 'out' / name).mkdir(parents=True)
    assert study.main([str(plan()), '--out', str(tmp_path / 'out')]) == 2
    said = one_error(capsys.readouterr().err)
    assert f'{name}, which is a folder' in said and '--out' in said and ran == []


@pytest.mark.parametrize('name', ['plain', 'teskd/seed7'])
def test_a_file_in_the_place_of_a_later_run_s_folder_is_refused_before_the_first(plan, ran, tmp_path, capsys, name):
    (tmp_path / 'out' / name).parent.mkdir(parents=True)
    (tmp_path / 'out' / name).write_text('precious')
    assert study.main([str(plan()), '--out', str(tmp_path / 'out')]) == 2
    assert 'Not a directory' in one_error(capsys.readouterr().err) and ran == []


def test_a_real_run_is_scored_and_one_that_fails_is_one_sentence_with_its_last_line(plan, tmp_path, monkeypatch, capsys):
    real, started = study_runs.run_bound, []

    def run_bound(command, **options):  # the first in a process of its own
        started.append(command)
        return (real if len(started) == 1 else run_in_a_copy)(command, **options)

    monkeypatch.setattr(study_runs, 'run_bound', run_bound)
    config = str(write_config(tmp_path, TESKD))
    bad = dict(config=config, options={'model.head.num_classes': 7})
    path = plan(variants=dict(good=dict(config=config), bad=bad), seeds=[5])
    assert study.main([str(path), '--out', str(tmp_path / 'out')]) == 2
    said = one_error(capsys.readouterr().err)
    assert 'exit code 2' in said and str(tmp_path / 'out/bad/seed5') in said and 'num_classes=7' in said
    record = json.loads((tmp_path / 'out/good/seed5/result.json').read_text())
    assert 0 <= record['last'] <= record['best'] <= 100 and record['seconds'] > 1 and len(started) == 2
    log = next((tmp_path / 'out/good/seed5').glob('*/vis_data/config.py'))
    assert Config.fromfile(log).randomness.seed == 5
    assert not (tmp_path / 'out/bad/seed5/result.json').exists() and not (tmp_path / 'out/table.md').exists()


def test_a_study_draws_its_table_where_it_is_asked_to(plan, ran, tmp_path, capsys):
    out, other = tmp_path / 'out', tmp_path / 'pictures/study.png'
    for words, path in (([], out / 'table.png'), ([str(other)], other)):
        assert study.main([str(plan()), '--out', str(out), '--plot', *words]) == 0
        assert path.read_bytes().startswith(b'\x89PNG') and f'wrote {path}\n' in capsys.readouterr().out
    number = len(ran)
    for wrong in (tmp_path / 'a.doc', other / 'inside.png'):
        assert study.main([str(plan(seeds=[9])), '--out', str(out), '--plot', str(wrong)]) == 2
        said = one_error(capsys.readouterr().err)
        assert str(wrong) in said and '--plot' in said
    assert len(ran) == number  # said before anything was run


@pytest.mark.parametrize('name', ['../../x', '/x', 'a/b', '..', '', 'table.md', 3])
def test_a_variant_outside_the_studys_folder_is_refused(plan, ran, tmp_path, capsys, name):
    path = plan(variants={name: dict(config=str(write_config(tmp_path, TESKD)))})
    assert study.main([str(path), '--out', str(tmp_path / 'out')]) == 2
    assert repr(name) in one_error(capsys.readouterr().err) and ran == []


@pytest.mark.parametrize('seeds', [['0', '0'], ['-1'], ['4294967296']])
def test_seeds_that_are_none_or_twice_are_refused(plan, ran, tmp_path, capsys, seeds):
    assert study.main([str(plan()), '--out', str(tmp_path / 'out'), '--seeds', *seeds]) == 2
    assert 'each once' in one_error(capsys.readouterr().err) and ran == []


def test_a_readme_that_is_absent_or_has_no_markers_is_refused_before_a_run(plan, ran, tmp_path, capsys):
    (tmp_path / 'README.md').write_text('nothing')
    for name, said in (('absent.md', 'absent.md'), ('README.md', 'marker')):
        assert study.main([str(plan()), '--out', str(tmp_path / 'out'), '--readme', str(tmp_path / name)]) == 2
        assert said in one_error(capsys.readouterr().err) and ran == []


def test_studies_share_the_folder_that_they_name_and_write_their_numbers_where_asked(plan, ran, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = plan(folder='shared', seeds=[3])
    other = tmp_path / 'study_other.py'
    other.write_text(path.read_text())
    assert study.main([str(path)]) == 0 and len(ran) == 2
    assert study.main([str(other), '--results', 'numbers/other.json']) == 0 and len(ran) == 2  # nothing again
    written = [Path(name).read_text() for name in ('work_dirs/shared/results.json', 'numbers/other.json')]
    assert written[0] == written[1] and json.loads(written[0])['plain'][0]['last'] == 54.0


def test_a_paired_study_gives_every_variant_the_start_and_the_teacher(tmp_path, monkeypatch, capfd):
    config, calls = str(write_config(tmp_path, TESKD)), []

    def run_once(config: Path, work_dir: Path, seed: int, options=(), quiet=True) -> float:
        calls.append((work_dir.name, seed, tuple(options)))
        log = work_dir / '20260101_000000/vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(json.dumps({'accuracy/top1': 50.0 + seed + ('teskd' in str(work_dir)), 'step': 1}))
        (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_2.pth'))
        (work_dir / 'epoch_2.pth').write_bytes(b'weights')
        return 1.0

    monkeypatch.setattr(study_runs, 'run_once', run_once)
    plan = dict(
        metric='accuracy/top1', seeds=[0, 1], same_start=config, options={'train_cfg.max_epochs': 3},
        teachers=dict(big=dict(config=config, options={'model.backbone.depth': 34})), differences=dict(teskd='plain'),
        variants=dict(plain=dict(config=config, plain=True), teskd=dict(config=config, teacher='big')),
        full=dict(seeds=[5], options={'train_cfg.max_epochs': 9}))
    path, out = tmp_path / 'study_tiny.py', tmp_path / 'out'
    path.write_text(f'study = {plan!r}\n')
    assert study.main([str(path), '--out', str(out), '--jobs', '2']) == 0
    assert 'backbone.' not in capfd.readouterr().out  # no line for each weight that is drawn
    assert [call[0] for call in calls].count('big') == 1 and len(calls) == 5
    for folder, seed, options in calls:
        if folder == 'big':
            assert Config.fromfile(out / 'teachers/big/config.py').model.backbone.depth == 34
            continue
        assert f'load_from={out / "start" / f"seed{seed}.pth"}' in options
    taught = [options for folder, _, options in calls if any('model.teacher' in each for each in options)]
    assert len(taught) == 2 and all(f'model.teacher.checkpoint={out / "teachers/big/epoch_2.pth"}' in each for each in taught)
    assert Config.fromfile(out / 'plain/config.py').train_cfg.max_epochs == 3
    weights = [torch.load(out / f'start/seed{seed}.pth', weights_only=True)['state_dict'] for seed in (0, 1)]
    plain_keys = set(build_model(Config.fromfile(out / 'plain/config.py')).state_dict())
    assert set(weights[0]) == plain_keys
    assert not torch.equal(weights[0]['backbone.conv1.weight'], weights[1]['backbone.conv1.weight'])
    assert '| teskd - plain | +1.00 | +1.00 to +1.00 | yes | 2 |' in (out / 'table.md').read_text()
    assert study.main([str(path), '--out', str(out)]) == 0 and len(calls) == 5  # nothing again
    assert study.main([str(path), '--out', str(tmp_path / 'long'), '--full']) == 0
    assert {call[1] for call in calls[5:]} == {0, 5}  # the teacher's seed and the study's
    assert Config.fromfile(tmp_path / 'long/plain/config.py').train_cfg.max_epochs == 9


def test_what_goes_before_a_variant_is_trained_for_each_seed_and_kept(tmp_path, monkeypatch):
    config, calls = str(write_config(tmp_path, TESKD)), []

    def run_once(config: Path, work_dir: Path, seed: int, options=(), quiet=True) -> float:
        calls.append((str(work_dir.relative_to(tmp_path / 'out')), seed, tuple(each for each in options if each.startswith('model.'))))
        log = work_dir / '20260101_000000/vis_data/scalars.json'
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(json.dumps({'accuracy/top1' if work_dir.parent.name != 'before' else 'knn/top1': 50.0 + seed, 'step': 1}))
        (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_2.pth'))
        (work_dir / 'epoch_2.pth').write_bytes(b'weights')
        return 1.0

    def write(depth: int = 34, **extra) -> Path:
        before = dict(config=config, option='model.backbone.init_cfg.checkpoint', teacher='big', options={'model.backbone.depth': depth})
        variants = dict(alone=dict(config=config), after=dict(config=config, before=before | extra))
        path = tmp_path / 'study_tiny.py'
        plan = dict(metric='accuracy/top1', seeds=[0, 1], teachers=dict(big=dict(config=config)), variants=variants)
        path.write_text(f'study = {plan!r}\n')
        return path

    monkeypatch.setattr(study_runs, 'run_once', run_once)
    out = tmp_path / 'out'
    assert study.main([str(write()), '--out', str(out)]) == 0
    assert Config.fromfile(out / 'after/before/config.py').model.backbone.depth == 34
    taught = (f'model.teacher.checkpoint={out / "teachers/big/epoch_2.pth"}',)
    for seed in (0, 1):
        first, then = (calls.index(each) for each in [
            (f'after/before/seed{seed}', seed, taught),
            (f'after/seed{seed}', seed, (f'model.backbone.init_cfg.checkpoint={out}/after/before/seed{seed}/epoch_2.pth',))])
        assert first < then
    assert len(calls) == 7
    assert study.main([str(write()), '--out', str(out)]) == 0 and len(calls) == 7  # nothing again
    assert study.main([str(write(depth=50)), '--out', str(out)]) == 0  # what comes after is of another start
    assert [call[0] for call in calls[7:]] == ['after/before/seed0', 'after/seed0', 'after/before/seed1', 'after/seed1']


@pytest.mark.parametrize(
    ('extra', 'word'),
    [
        (dict(variants=dict(a=dict(config='x.py', before=dict(config='y.py')))), 'variants.a.before'),
        (dict(variants=dict(a=dict(config='x.py', before=dict(option='load_from')))), 'variants.a.before'),
        (dict(variants=dict(a=dict(config='x.py', before=[1]))), 'variants.a.before'),
        (dict(variants=dict(a=dict(config='x.py', before=dict(config='y.py', option=3)))), 'variants.a.before.option'),
        (dict(variants=dict(a=dict(config='x.py', before=dict(config='y.py', option='load_from', teacher='none')))), 'none'),
        (dict(variants=dict(a=dict(config='x.py', before=dict(config='y.py', option='load_from'))), same_start='z.py'), 'same_start'),
        (dict(differences=dict(teskd='x')), 'x'),
        (dict(differences=dict(teskd=['plain', 'y'])), 'y'),
        (dict(differences=dict(teskd=5)), '5'),
        (dict(teachers=dict(big=dict())), 'teachers.big'),
        (dict(folder='a/b'), "'a/b'"),
        (dict(folder=5), 'folder'),
    ],
)
def test_a_plan_of_unknown_variants_or_teachers_is_one_sentence(plan, ran, tmp_path, capsys, extra, word):
    assert study.main([str(plan(**extra)), '--out', str(tmp_path / 'out')]) == 2
    assert word in one_error(capsys.readouterr().err) and ran == []


def test_full_needs_a_long_form(plan, ran, tmp_path, capsys):
    assert study.main([str(plan()), '--out', str(tmp_path / 'out'), '--full']) == 2
    assert '--full' in one_error(capsys.readouterr().err) and ran == []
