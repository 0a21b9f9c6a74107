"""Distilled dense and query detectors through the command lines, by their own configs on digit scenes: training, resume and test."""

import json

import pytest
import torch
from mmengine.config import Config
from support.detection import build
from support.runs import REPO, losses, one_thread

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import test, train

_CONFIG = """
_base_ = ['{repo}/configs/{folder_of_pages}/kdpp_{page}.py']
scenes = dict(root='{folder}/scenes', scenes=12)
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True), dict(type='Resize', scale=(64, 64)),
    dict(type='RandomFlip', prob=0.5), dict(type='PackDetInputs')]
train_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=6, pipeline=train_pipeline))
val_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=2))
test_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=2))
val_evaluator = dict(ann_file='{folder}/scenes/test_12_seed0/annotations.json')
test_evaluator = dict(ann_file='{folder}/scenes/test_12_seed0/annotations.json')
model = dict(input_size=64, teacher=dict(
    model='{repo}/configs/{folder_of_pages}/{teacher}.py', checkpoint='{folder}/teacher.pth'))
train_cfg = dict(max_epochs=2, val_interval=2)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1, max_keep_ckpts=-1))
log_processor = dict(window_size=1)
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=3)
"""
pytestmark = [
    pytest.mark.filterwarnings('ignore:faster_coco_eval is not installed'),  # pycocotools is enough
    pytest.mark.filterwarnings('ignore:__array__ implementation'),  # of pycocotools
    pytest.mark.filterwarnings('ignore:torch.meshgrid'),  # of mmdet
]


def run(tool, folder, *arguments):
    with pytest.MonkeyPatch.context() as patch, one_thread():
        patch.chdir(folder)
        assert tool.main(list(map(str, arguments))) == 0


@pytest.mark.timeout(900)  # three trainings and a test; mmengine takes a signal that comes while it writes a config for a bad config
@pytest.mark.parametrize(('pages', 'page', 'teacher', 'width'), [
    ('dense', 'retinanet_narrow_r18_r18_digit_scenes', 'teacher_retinanet_r18_digit_scenes', 64),
    ('query', 'deformable_detr_narrow_r18_r18_digit_scenes', 'teacher_deformable_detr_r18_digit_scenes', 128)], ids=['dense', 'query'])
def test_an_interrupted_run_goes_on_with_the_same_losses_and_is_tested_without_the_teacher(pages, page, teacher, width, tmp_path):
    network = build(Config.fromfile(REPO / f'configs/{pages}/{teacher}.py').model, seed=5)
    network.init_weights()
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'teacher.pth')
    (tmp_path / 'tiny_dense.py').write_text(
        _CONFIG.format(repo=REPO, folder=tmp_path, folder_of_pages=pages, page=page, teacher=teacher))
    run(train, tmp_path, 'tiny_dense.py', '--work-dir', 'whole')
    run(train, tmp_path, 'tiny_dense.py', '--work-dir', 'parts', '--cfg-options', 'train_cfg.max_epochs=1')
    run(train, tmp_path, 'tiny_dense.py', '--work-dir', 'parts', '--resume')
    (reference,) = losses(tmp_path / 'whole')
    before, after = losses(tmp_path / 'parts')
    assert sorted(before) == [1, 2, 3] and sorted(after) == [4, 5, 6] and {**before, **after} == reference
    whole, parts = (read_checkpoint(tmp_path / name / 'epoch_2.pth')['state_dict'] for name in ('whole', 'parts'))
    torch.testing.assert_close(dict(parts), dict(whole), rtol=0, atol=0)
    assert whole['distill.nd.class_means'].shape == (10, width)
    (tmp_path / 'teacher.pth').unlink()
    run(test, tmp_path, 'tiny_dense.py', 'whole/epoch_2.pth', '--work-dir', 'tested', '--out', 'metrics.json', '--out-item', 'metrics')
    # after six steps it may find nothing, of which mmdet makes no metric
    assert -1 <= json.loads((tmp_path / 'metrics.json').read_text()).get('coco/bbox_mAP', 0) <= 1
