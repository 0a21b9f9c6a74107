"""One page about any run: of each kind of model, of one that was only started, of a study; and what it cannot be made of."""

import shutil
from pathlib import Path

import pytest
import torch
from support.crafted_files import crafted
from support.report_pages import read, texts_of
from support.reported_runs import distillation, made_run, write_start
from support.runs import TESKD, one_error, write_config

from mmkd_ext.commands import report
from mmkd_ext.config.load_config import load_config
from mmkd_ext.models.build import build_model
from mmkd_ext.report import cost

SMALL = 'val_dataloader = dict(dataset=dict(indices=8))\n'
NET = 'dict(model="cifar/resnet8", num_classes=10)'
RANDOM = 'dict(model="cifar/resnet8", num_classes=10, checkpoint=None, allow_random=True)'
MUTUAL = f"""
model = dict(_delete_=True, type='mmkd_ext.MutualLearningDistiller', students=dict(one={NET}, two={NET}), input_size=8,
    losses=dict(ml=dict(type='mmkd_ext.MutualLearningLoss')))
"""
DSKD = f"""
model = dict(_delete_=True, type='mmkd_ext.OfflineDistiller', student=dict(
        type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, out_indices=(1, 2, 3)),
        neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=10, in_channels=64)),
    teacher={RANDOM}, input_size=32, losses=dict(dskd=dict(type='mmkd_ext.DSKDHead')))
"""
FEATURES = f"""
model = dict(_delete_=True, type='mmkd_ext.FeatureDistiller', student=dict(type='mmkd_ext.CIFARResNet', depth=8), input_size=32,
    teacher={RANDOM}, losses=dict(token=dict(type='mmkd_ext.EmbeddingLoss')))
"""


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return distillation(tmp_path_factory.mktemp('reported'))


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cost, '_SECONDS', 0.0)


def page_of(*words):
    assert report.main(list(map(str, words))) == 0
    return Path('report.html').read_text()


@pytest.mark.parametrize(('extra', 'network', 'sections'), [
    ('', 'trained plainly (ImageClassifier)', {'calibration', 'confusion', 'cost'}),
    (TESKD, 'ImageClassifier: TESKDNeck, TESKDHead', {'calibration', 'confusion', 'cost'}),
    (MUTUAL, 'MutualLearningDistiller: ml (MutualLearningLoss)', {'calibration', 'confusion', 'disagreements', 'disagreements-2', 'cost'}),
    (DSKD, 'OfflineDistiller: dskd (DSKDHead)', {'calibration', 'confusion', 'disagreements', 'cost'}),
    (FEATURES, 'FeatureDistiller: token (EmbeddingLoss)', {'notes', 'cost'}),
], ids=['plain', 'teskd', 'mutual', 'dskd', 'features'])  # fmt: skip
def test_each_kind_of_run_has_a_page_with_what_it_has(tmp_path, extra, network, sections):
    made_run(tmp_path / 'work', write_config(tmp_path, SMALL + extra), 0, [10.0, 20.0])
    page = page_of('work', '--device', 'cpu')
    assert set(read(page).sections) - {'trained', 'accuracy', 'curves', 'repeat'} == sections
    assert network in texts_of(page, 'trained') and '20.00' in texts_of(page, 'accuracy')
    if 'notes' in sections:
        assert 'a backbone without a head, which gives no class' in texts_of(page, 'notes')


def test_a_run_that_was_only_started_has_a_page_that_says_so(tmp_path):
    write_start(tmp_path / 'work', load_config(str(write_config(tmp_path))), [])
    page = page_of('work')
    assert set(read(page).sections) == {'notes', 'trained', 'repeat'}
    assert 'holds no checkpoint' in texts_of(page, 'notes') and 'no log of 3' in texts_of(page, 'trained')


@pytest.mark.parametrize(('extra', 'said'), [
    ('train_cfg = dict(_delete_=True, by_epoch=False, max_iters=6)', ''), ('randomness = None', ''),
    ("val_dataloader = dict(dataset=dict(_delete_=True, type='CustomDataset', data_root='gone', ann_file='gone.txt'))", 'gone'),
    ("val_dataloader = None\ntest_dataloader = None", 'there are no validation images'),
    ('model = dict(head=dict(num_classes=3))', 'its 3 classes are not those of the validation images'),
    ("default_scope = 'nowhere'", '')])  # fmt: skip
def test_an_unusual_config_has_a_page(tmp_path, root, extra, said):
    shutil.copytree(root / 'runs/alone_seed0', tmp_path / 'work')
    (config,) = (tmp_path / 'work').glob('*/vis_data/config.py')
    cfg = load_config(str(write_config(tmp_path, SMALL + extra)))
    cfg.dump(str(config))
    if 'num_classes' in extra:
        torch.save({'state_dict': build_model(cfg).state_dict()}, tmp_path / 'work/epoch_3.pth')
    page = page_of('work')
    assert said in texts_of(page, 'notes') if said else 'notes' not in read(page).sections
    assert '50.00' in texts_of(page, 'accuracy')


def test_images_are_limited_and_the_page_is_where_it_is_asked_for(root):
    page = Path('deep/a <b>.html')
    assert report.main([str(root), '--images', '5', '--pictures', '1', '--out', str(page)]) == 0
    text = page.read_text()
    assert '5 of 16 validation images' in text and len([where for where, _, _ in read(text).pictures if where == 'disagreements']) <= 1


def test_folders_with_strange_names_are_text(root, tmp_path):
    shutil.copytree(root / 'runs/alone_seed0', tmp_path / '<img src=x> & $y^$/"run"')
    page = page_of('<img src=x> & $y^$', '--no-predictions')
    assert '<img src=x>' not in page and '<img src=x> & $y^$/"run"' in texts_of(page, 'trained')
    assert "'<img src=x> & $y^$/\"run\"/config.py'" in texts_of(page, 'repeat')


def test_a_checkpoint_that_would_execute_code_is_not_opened_and_the_rest_is_shown(root, tmp_path):
    shutil.copytree(root / 'runs/alone_seed0', tmp_path / 'work')
    state = {'state_dict': {'a': torch.zeros(1)}, 'optimizer': crafted(tmp_path / 'executed')['a plain call']}
    torch.save(state, tmp_path / 'work/epoch_3.pth')
    page = page_of('work')
    assert 'could execute code' in texts_of(page, 'notes') and not (tmp_path / 'executed').exists()
    assert '50.00' in texts_of(page, 'accuracy') and 'cost' not in read(page).sections


@pytest.mark.parametrize('broken', ['log', 'checkpoint', 'adapters', 'journey', 'config'])
def test_a_file_that_is_broken_takes_away_its_own_part_only(root, tmp_path, broken):
    shutil.copytree(root / 'runs/kd_seed0', tmp_path / 'out/work')
    work, junk = tmp_path / 'out/work', bytes(range(256))
    (tmp_path / 'out/steps').mkdir()
    (log,) = work.glob('*/vis_data/scalars.json')
    files = {
        'log': [log], 'checkpoint': [work / 'epoch_3.pth'], 'adapters': [work / 'adapters.txt'],
        'journey': [tmp_path / 'out/steps/journey.json'], 'config': [work / 'config.py', *work.glob('*/vis_data/config.py')]}
    for file in files[broken]:
        file.write_bytes(junk * 3 + b'\n' + junk)
    page = page_of('out', *([] if broken == 'checkpoint' else ['--no-predictions']))
    sections = set(read(page).sections)
    assert ('accuracy' in sections) == (broken != 'log') and 'cost' not in sections
    said = {'log': 'A JSON object with a step on every line', 'checkpoint': 'A whole checkpoint', 'config': 'A config that can be read'}
    notes = texts_of(page, 'notes')
    assert [each for each in said.values() if each in notes] == [said[each] for each in said if each == broken]


@pytest.mark.parametrize(('words', 'said'), [
    (['gone'], 'gone, which is not there'), (['file'], 'file, which is a file'), (['empty'], 'got empty: it holds none'),
    (['work', '--out', 'page.pdf'], 'A page named .html is needed, got page.pdf'), (['work', '--out', 'empty.html'], 'is a folder'),
    (['work', '--device', 'meta'], "got 'meta'")])  # fmt: skip
def test_what_cannot_be_reported_is_one_sentence_and_leaves_an_older_page(tmp_path, capsys, words, said):
    for folder in ('empty', 'empty.html', 'work'):
        Path(folder).mkdir()
    Path('file').write_text('')
    Path('report.html').write_text('older')
    assert report.main(words) == 2
    assert said in one_error(capsys.readouterr().err) and Path('report.html').read_text() == 'older'


@pytest.mark.parametrize('flags', [['--images', '0'], ['--pictures', '-1'], []])
def test_numbers_below_one_and_no_folder_are_refused(flags, capsys):
    with pytest.raises(SystemExit, match='2'):
        report.main(['work', *flags] if flags else [])
