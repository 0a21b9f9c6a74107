"""Mask R-CNNs that trained together: exported, tested as an ensemble whose masks are joined, and scored with them."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.detection import tiny
from support.detector_runs import QUIET, run
from support.two_stage_mutual import config

from mmkd_ext.commands import export_student, test
from mmkd_ext.models.build import build_model
from mmkd_ext.registry import MODELS

pytestmark = [pytest.mark.det, *QUIET]
_CONFIG = """
default_scope = 'mmdet'
custom_imports = dict(imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.hooks', 'mmkd_ext.models'])
model = {model}
test_dataloader = dict(
    batch_size=1, num_workers=0, dataset=dict(
        type='CocoDataset', data_root='{folder}', ann_file='masks.json', data_prefix=dict(img=''), test_mode=True,
        metainfo=dict(classes=('a', 'b', 'c')), pipeline=[
            dict(type='LoadImageFromFile'), dict(type='Resize', scale=(96, 96)),
            dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]),
    sampler=dict(type='DefaultSampler', shuffle=False))
test_evaluator = [
    dict(type='CocoMetric', ann_file='{folder}/masks.json', metric=['bbox', 'segm']),
    dict(type='DumpDetResults', out_file_path='{folder}/found.pkl')]
test_cfg = dict()
"""


def images_with_masks(folder):
    """Two images of 64 pixels with a square of each of three classes."""
    annotations = []
    for image in range(2):
        cv2.imwrite(str(folder / f'{image}.png'), np.random.default_rng(image).integers(0, 256, (64, 64, 3), dtype=np.uint8))
        for k, corner in enumerate((4, 20, 36)):
            left, right = corner, corner + 20
            annotations.append(dict(
                id=len(annotations) + 1, image_id=image, category_id=k, bbox=[left, left, 20, 20], area=400, iscrowd=0,
                segmentation=[[left, left, right, left, right, right, left, right]]))  # fmt: skip
    content = dict(
        info={}, licenses=[], annotations=annotations, categories=[dict(id=k, name=name) for k, name in enumerate('abc')],
        images=[dict(id=i, file_name=f'{i}.png', width=64, height=64) for i in range(2)])
    (folder / 'masks.json').write_text(json.dumps(content))


@torch.no_grad()
def test_an_exported_ensemble_joins_masks_as_the_one_that_trained(tmp_path):
    images_with_masks(tmp_path)
    students = {name: tiny('mask', embedding=width) for name, width in (('a', 32), ('b', 24))}
    for student in students.values():
        student['test_cfg']['rcnn'].update(score_thr=0.0, max_per_img=10)
    model = config(students, teacher=tiny('mask', 16))
    path = tmp_path / 'together.py'
    path.write_text(_CONFIG.format(model=repr(model), folder=tmp_path))
    torch.manual_seed(0)
    together = build_model(Config.fromfile(path)).eval()
    torch.save(dict(state_dict=together.state_dict(), meta={}), tmp_path / 'epoch_1.pth')
    run(export_student, tmp_path, path, 'epoch_1.pth', 'net.pth')
    run(test, tmp_path, 'net.py', '--work-dir', 'tested')
    (scores,) = (json.loads(x.read_text()) for x in (tmp_path / 'tested').glob('*/*.json'))
    assert {'coco/bbox_mAP', 'coco/segm_mAP', 'a/coco/segm_mAP', 'b/coco/segm_mAP'} <= set(scores)

    exported = Config.fromfile(tmp_path / 'net.py')
    with DefaultScope.overwrite_default_scope('mmdet'):
        ensemble = MODELS.build(exported.model).eval()
    for image in range(2):
        pixels = torch.from_numpy(cv2.imread(str(tmp_path / f'{image}.png'))).permute(2, 0, 1)
        said = [each.test_step(_batch(pixels)) for each in (together, ensemble)]
        first, second = (x[0].pred_instances for x in said)
        assert len(first) > 5 and first.masks.shape == (len(first), 64, 64) and first.masks.any()
        assert first.masks.equal(second.masks) and first.bboxes.equal(second.bboxes)


def _batch(pixels):
    from mmdet.structures import DetDataSample

    shape = tuple(pixels.shape[1:])
    return dict(inputs=[pixels], data_samples=[DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0)))])
