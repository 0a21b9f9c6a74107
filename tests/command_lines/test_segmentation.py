"""A distilled segmentor through the command lines, by its own config on digit scenes: training, resume, test, export and the doctor."""

import json
import warnings

import numpy as np
import pytest
import torch
from mmengine.config import Config
from support.runs import REPO, losses, one_thread
from support.segmentation import build

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import benchmark, doctor, export_student, test, train

pytest.importorskip('mmseg', reason='of the extra seg')
_CONFIG = """
_base_ = ['{repo}/configs/segmentation/kdpp_pspnet_narrow_r18_r18_digit_masks.py']
scenes = dict(root='{folder}/scenes', scenes=24)
train_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=6))
val_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=2))
test_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=2))
model = dict(
    teacher=dict(model='{repo}/configs/segmentation/teacher_pspnet_r18_digit_masks.py', checkpoint='{folder}/teacher.pth'),
    losses=dict(cwd=dict(type='mmkd_ext.CWDLoss', of='logits', tau=4.0, loss_weight=3.0)))
train_cfg = dict(max_epochs=2, val_interval=2)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1, max_keep_ckpts=-1))
log_processor = dict(window_size=1)
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=3)
"""
pytestmark = [  # of mmseg: its hook that draws nothing, averages over what is ignored, classes that no image has
    pytest.mark.filterwarnings('ignore::UserWarning'), pytest.mark.filterwarnings('ignore:Mean of empty slice'),
    pytest.mark.filterwarnings('ignore:invalid value encountered in divide')]


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A config with a teacher of random weights."""
    monkeypatch.chdir(tmp_path)
    network = build(Config.fromfile(REPO / 'configs/segmentation/teacher_pspnet_r18_digit_masks.py').model, seed=5)
    network.init_weights()
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'teacher.pth')
    (tmp_path / 'tiny_segmentor.py').write_text(_CONFIG.format(repo=REPO, folder=tmp_path))
    return tmp_path


def run(tool, *arguments):
    with one_thread():
        assert tool.main(list(map(str, ('tiny_segmentor.py', *arguments)))) == 0


@pytest.mark.timeout(900)
def test_an_interrupted_run_goes_on_with_the_same_losses_and_is_tested_drawn_and_shipped_without_the_teacher(config, rng):
    run(train, '--work-dir', 'whole')
    run(train, '--work-dir', 'parts', '--cfg-options', 'train_cfg.max_epochs=1')
    run(train, '--work-dir', 'parts', '--resume')
    (reference,) = losses(config / 'whole')
    before, after = losses(config / 'parts')
    assert sorted(before) == [1, 2, 3] and sorted(after) == [4, 5, 6] and {**before, **after} == reference
    whole, parts = (read_checkpoint(config / name / 'epoch_2.pth')['state_dict'] for name in ('whole', 'parts'))
    torch.testing.assert_close(dict(parts), dict(whole), rtol=0, atol=0)
    assert whole['distill.nd.class_means'].shape == (11, 64)
    (config / 'teacher.pth').unlink()
    run(test, 'whole/epoch_2.pth', '--work-dir', 'tested', '--out', 'metrics.json', '--out-item', 'metrics', '--show-dir', 'shown',
        '--interval', '1')
    assert 0 <= json.loads((config / 'metrics.json').read_text())['mIoU'] <= 100
    assert list((config / 'shown').rglob('*.png'))
    run(test, 'whole/epoch_2.pth', '--work-dir', 'viewed', '--tta')
    run(export_student, 'whole/epoch_2.pth', 'student.pth')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of mmseg
        from mmseg.apis import inference_model, init_model

        shipped = init_model('student.py', 'student.pth', device='cpu')
        found = inference_model(shipped, np.zeros((128, 128, 3), np.uint8))
    assert found.pred_sem_seg.data.shape == (1, 128, 128) and not any('distill' in key for key in shipped.state_dict())
    torch.testing.assert_close(shipped.state_dict(), {key: whole[key] for key in shipped.state_dict()}, rtol=0, atol=0)


def test_the_doctor_looks_at_pixels_and_the_benchmark_at_the_parts_of_a_step(config, capsys):
    rows = {row.check: row for row in doctor.doctor(['tiny_segmentor.py', '--device', 'cpu', '--batches', '2'])}
    assert 'labelled pixels are right' in rows['teacher: accuracy'].text and rows['teacher: two passes'].status == 'OK'
    assert rows['loss cwd'].figures['gradient'] > 0 and rows['loss nd'].figures['gradient'] > 0
    capsys.readouterr()
    run(benchmark, '--batch-size', '2', '--size', '64', '--rounds', '1', '--threads', '1', '--precision', 'float32')
    printed = capsys.readouterr().out
    assert '| student | float32 |' in printed and '| ours | float32 |' in printed and '| teacher | float32 |' in printed
