"""A tiny distilled detector for tests of the command lines: its config, and a command that is run in its folder."""

import pytest
from support.runs import one_thread

# EMA and class means are in it, so that a resume has to bring both back.
CONFIG = """
_base_ = ['{repo}/configs/_base_/datasets/digit_scenes.py', '{repo}/configs/_base_/default_runtime_det.py']
custom_imports = dict(imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets.digit_scenes', 'mmkd_ext.hooks', 'mmkd_ext.models'])
scenes = dict(root='{folder}/scenes', scenes=12, metainfo=dict(classes=('0', '1', '2')))
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True), dict(type='Resize', scale=(64, 64)),
    dict(type='RandomFlip', prob=0.5), dict(type='PackDetInputs')]
train_dataloader = dict(batch_size=2, dataset=dict(
    **scenes, filter_cfg=dict(filter_empty_gt=True), indices=6, pipeline=train_pipeline))
val_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=2))
test_dataloader = dict(batch_size=2, dataset=dict(**scenes, indices=2))
val_evaluator = dict(ann_file='{folder}/scenes/test_12_seed0/annotations.json')
test_evaluator = dict(ann_file='{folder}/scenes/test_12_seed0/annotations.json')
model = {model}
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=2)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(save_best=None))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook'), dict(type='EMAHook')]
log_processor = dict(window_size=1)
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=3)
"""
QUIET = [
    pytest.mark.filterwarnings('ignore:faster_coco_eval is not installed'),  # pycocotools is enough
    pytest.mark.filterwarnings('ignore:__array__ implementation'),  # of pycocotools
    pytest.mark.filterwarnings('ignore:__array_wrap__ must accept'),  # of mmdet's pictures
]


def run(tool, folder, *arguments, code=0):
    """`tool.main` in `folder`; it must end with this code."""
    with pytest.MonkeyPatch.context() as patch, one_thread():
        patch.chdir(folder)
        assert tool.main(list(map(str, arguments))) == code
