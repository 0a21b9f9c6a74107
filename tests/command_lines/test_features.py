"""A backbone trained on a folder of images without labels: resumed to the last bit, averaged, in bfloat16, exported, fine-tuned, tested."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from support.runs import REPO, lines_of, one_error, one_thread

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import export_student, test, train

CONFIG = """
_base_ = ['{repo}/configs/_base_/datasets/digits_unlabelled.py', '{repo}/configs/_base_/default_runtime.py']
model = dict(
    type='mmkd_ext.FeatureDistiller', student=dict(type='mmkd_ext.CIFARResNet', depth=8),
    teacher=dict(model='timm/test_vit', options=dict(img_size=16, patch_size=8), checkpoint='{folder}/vit.pth', num_classes=0,
        data_preprocessor=dict(mean=[120.0] * 3, std=[60.0] * 3)),
    losses=dict(token=dict(type='mmkd_ext.EmbeddingLoss'), patches=dict(type='mmkd_ext.MapLoss', by='smooth_l1')))
train_dataloader = dict(batch_size=4, dataset=dict(_delete_=True, type='mmkd_ext.UnlabelledFolder', data_root='{folder}/photos', pipeline=[
    dict(type='LoadImageFromFile'), dict(type='RandomFlip', prob=0.5, direction='horizontal'), dict(type='PackInputs')]))
val_dataloader = dict(dataset=dict(indices=40))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
val_cfg = dict()
test_cfg = dict()
custom_hooks = [dict(type='EMAHook', momentum=0.1)]
default_hooks = dict(checkpoint=dict(save_best='knn/top1'), logger=dict(interval=1))
log_processor = dict(window_size=1)
randomness = dict(seed=3)
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A config, eight images in nested folders, and a teacher of random weights in a file."""
    import timm

    folder = tmp_path_factory.mktemp('features')
    rng = np.random.default_rng(0)
    for i in range(8):
        path = folder / f'photos/{"day" if i % 2 else "."}/{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(path)
    torch.manual_seed(0)
    torch.save(timm.create_model('test_vit', num_classes=0, img_size=16, patch_size=8).state_dict(), folder / 'vit.pth')
    (folder / 'features_tiny.py').write_text(CONFIG.format(repo=REPO, folder=folder))
    return folder


def run(folder, work, *words):
    with one_thread():
        return train.main([str(folder / 'features_tiny.py'), '--work-dir', str(folder / work), *words])


@pytest.fixture(scope='module')
def whole(folder):
    assert run(folder, 'whole', '--amp') == 0
    return folder / 'whole'


def test_a_run_shows_the_students_and_the_teachers_features_and_keeps_the_best(whole):
    lines = lines_of(whole)
    judged = [line for line in lines if 'knn/top1' in line]
    assert len(judged) == 2 and {'probe/top1', 'teacher/knn/top1', 'teacher/probe/top1'} <= set(judged[0])
    assert judged[0]['teacher/knn/top1'] == judged[1]['teacher/knn/top1']
    steps = [line for line in lines if 'loss' in line]
    assert len(steps) == 4 and all(
        line['loss'] == pytest.approx(line['loss_token'] + line['loss_patches'], rel=1e-5) for line in steps)
    assert list(whole.glob('best_knn_top1_epoch_*.pth'))
    state = read_checkpoint(whole / 'epoch_2.pth')
    assert all(key.startswith(('backbone.', 'distill.')) for key in state['state_dict'])
    assert any('backbone.' in key for key in state['ema_state_dict'])


def test_a_resumed_run_ends_in_the_same_weights(folder, whole):
    assert run(folder, 'parts', '--amp', '--cfg-options', 'train_cfg.max_epochs=1') == 0
    assert run(folder, 'parts', '--amp', '--resume') == 0
    states = [read_checkpoint(path / 'epoch_2.pth') for path in (whole, folder / 'parts')]
    for part in ('state_dict', 'ema_state_dict'):
        first, second = (state[part] for state in states)
        assert first.keys() == second.keys()
        assert [key for key, value in first.items() if not torch.equal(second[key], value)] == []


def test_the_export_is_tested_with_the_numbers_of_the_run_and_fine_tuned(folder, whole, capsys):
    out = folder / 'out/backbone.pth'
    assert export_student.main([str(folder / 'features_tiny.py'), str(whole / 'epoch_2.pth'), str(out)]) == 0
    assert all(key.startswith('backbone.') for key in read_checkpoint(out)['state_dict'])
    numbers = folder / 'numbers.json'
    with one_thread():
        assert test.main([str(out.with_suffix('.py')), str(out), '--work-dir', str(folder / 'test'), '--out', str(numbers),
                          '--out-item', 'metrics']) == 0, capsys.readouterr().err
    last = [line for line in lines_of(whole) if 'knn/top1' in line][-1]
    found = json.loads(numbers.read_text())
    assert {key: found[key] for key in ('knn/top1', 'probe/top1')} == {key: pytest.approx(last[key], abs=3) for key in (
        'knn/top1', 'probe/top1')}
    tuned = REPO / 'configs/features/finetune_resnet8_digits.py'
    with one_thread():
        assert train.main([str(tuned), '--work-dir', str(folder / 'tuned'), '--cfg-options', 'train_cfg.max_epochs=1',
                           'optim_wrapper.optimizer.lr=0.0', f'model.backbone.init_cfg.checkpoint={out}',
                           'train_dataloader.dataset.samples_per_class=2', 'default_hooks.checkpoint.interval=1']) == 0
    mine, theirs = (read_checkpoint(path)['state_dict'] for path in (out, folder / 'tuned/epoch_1.pth'))
    weights = {key: value for key, value in mine.items() if 'running' not in key and 'num_batches' not in key}
    assert all(torch.equal(theirs[key], value) for key, value in weights.items()) and len(weights) > 20


@pytest.mark.parametrize(('options', 'word'), [
    (['train_dataloader.dataset.data_root=absent'], 'UnlabelledFolder needs a folder of images, got absent'),
    (['model.losses.token.type=mmkd_ext.KDLoss'], 'compares logits, which a student without a head has not'),
    (['model.losses={}'], 'FeatureDistiller needs losses=dict(name=config, ...)'),
    (['model.teacher.input_size=20'], 'needs images of a size that it takes, got 20 x 20 pixels'),
    (['val_evaluator.0.bank=400'], 'bank=400'),
    (['val_evaluator=dict(type=Accuracy)'], 'val_evaluator'),
    (['model.student.type=mmkd_ext.Nothing'], 'mmkd_ext.Nothing'),
], ids=str)
def test_bad_input_ends_with_one_sentence_before_a_step(folder, capsys, options, word):
    assert run(folder, 'bad', '--cfg-options', *options) == 2
    assert word in one_error(capsys.readouterr().err)


def test_an_image_that_is_none_is_named(folder, capsys):
    broken = folder / 'photos/9.png'
    broken.write_bytes(b'no image')
    try:
        assert run(folder, 'bad') == 2
        assert '9.png' in one_error(capsys.readouterr().err)
    finally:
        broken.unlink()
