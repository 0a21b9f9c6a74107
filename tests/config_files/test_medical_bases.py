"""The bases for polyps and for histology build their data and their metrics from small made-up folders."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from support import polyp_folders
from support.runs import REPO

BASES = REPO / 'configs/_base_/datasets'


def parsed(name: str) -> Config:
    """The base alone, without worker processes."""
    cfg = Config.fromfile(BASES / f'{name}.py')
    for part in ('train', 'val', 'test'):
        cfg[f'{part}_dataloader'].num_workers = 0
    return cfg


@pytest.fixture
def tiles(tmp_path, monkeypatch):
    """Tiles of two classes: 6 and 4 for training, 2 and 6 for testing."""
    monkeypatch.setenv('MMKD_MSI_MSS', str(tmp_path))
    counts = {'train': {'MSIMUT': 6, 'MSS': 4}, 'test': {'MSIMUT': 2, 'MSS': 6}}
    rng = np.random.default_rng(0)
    for part, classes in counts.items():
        for name, count in classes.items():
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                cv2.imwrite(str(tmp_path / part / name / f'{i}.png'), rng.integers(0, 255, (224, 224, 3), dtype=np.uint8))
    return tmp_path


def test_tiles_are_224_px_with_the_label_of_their_folder(tiles):
    cfg = parsed('msi_mss')
    assert cfg.data_preprocessor.num_classes == 2 and cfg.train_dataloader.batch_size == 64
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        for part, counts in (('train', [6, 4]), ('val', [2, 6]), ('test', [2, 6])):
            (batch,) = Runner.build_dataloader(cfg[f'{part}_dataloader'], seed=0)
            assert {image.shape for image in batch['inputs']} == {(3, 224, 224)}
            assert {image.dtype for image in batch['inputs']} == {torch.uint8}
            labels = torch.cat([sample.gt_label for sample in batch['data_samples']])
            assert labels.bincount().tolist() == counts
            folders = [sample.img_path.split('/')[-2] for sample in batch['data_samples']]
            assert [('MSIMUT', 'MSS')[label] for label in labels] == folders


def test_training_tiles_change_and_test_tiles_do_not(tiles):
    cfg = parsed('msi_mss')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        train, test = (Runner.build_dataloader(cfg[f'{part}_dataloader'], seed=0).dataset for part in ('train', 'test'))
    kinds = {bool(torch.equal(train[0]['inputs'], train[0]['inputs'])) for _ in range(4)}
    assert kinds == {False}
    # A file is BGR, and so is what the preprocessor gets.
    image = torch.from_numpy(cv2.imread(str(tiles / 'test/MSIMUT/0.png'))).permute(2, 0, 1)
    torch.testing.assert_close(test[0]['inputs'], image, rtol=0, atol=0)


def test_a_third_folder_is_no_class(tiles):
    (tiles / 'train/normal').mkdir()
    with DefaultScope.overwrite_default_scope('mmpretrain'), pytest.raises(AssertionError, match=r'subfolders \(3\)'):
        Runner.build_dataloader(parsed('msi_mss').train_dataloader, seed=0)


def test_metrics_of_unequal_classes_say_more_than_accuracy(tiles):
    cfg = parsed('msi_mss')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        loader = Runner.build_dataloader(cfg.test_dataloader, seed=0)
        evaluator = Evaluator(list(cfg.test_evaluator))
    evaluator.dataset_meta = loader.dataset.metainfo
    (batch,) = loader
    # MSS for every tile, the first of MSIMUT with a little less confidence.
    scores = [0.7 if i == 0 else 0.8 for i in range(8)]
    for sample, score in zip(batch['data_samples'], scores, strict=True):
        sample.set_pred_score(torch.tensor([1 - score, score])).set_pred_label(torch.tensor([1]))
    evaluator.process(batch['data_samples'], batch)
    found = evaluator.evaluate(8)
    assert found['accuracy/top1'] == pytest.approx(100 * 6 / 8)
    assert found['single-label/recall'] == pytest.approx((0 + 100) / 2)
    assert 50 < found['multi-label/mAP'] < 100


@pytest.fixture
def polyps(tmp_path, monkeypatch):
    """Ten images, one without a polyp, made by the tool."""
    source, out = tmp_path / 'source', tmp_path / 'polyps'
    polyp_folders.tool.convert(polyp_folders.unpacked(source, polyp_folders.published()), out, val=0.3)
    monkeypatch.setenv('MMKD_POLYPS', str(out))
    return out


@pytest.mark.det
def test_polyps_are_boxes_of_one_class_and_images_without_one_are_trained_on(polyps):
    import mmdet.datasets  # noqa: F401  registers the transforms

    cfg = parsed('polyps')
    with DefaultScope.overwrite_default_scope('mmdet'):
        loaders = {part: Runner.build_dataloader(cfg[f'{part}_dataloader'], seed=0) for part in ('train', 'val', 'test')}
    for part, loader in loaders.items():
        written = json.loads((polyps / ('train.json' if part == 'train' else 'val.json')).read_text())
        assert loader.dataset.metainfo['classes'] == ('polyp',) and len(loader.dataset) == len(written['images'])
        samples = [sample for batch in loader for sample in batch['data_samples']]
        boxes = {sample.img_id: sample.gt_instances.bboxes for sample in samples}
        for image in written['images']:
            wanted = [a['bbox'][2:] for a in written['annotations'] if a['image_id'] == image['id']]
            # The metric compares in the pixels of the file.
            factor = 512 / max(image['width'], image['height']) if part == 'train' else 1
            found = torch.as_tensor(getattr(boxes[image['id']], 'tensor', boxes[image['id']]))
            sizes = (found[:, 2:] - found[:, :2]) / factor
            # A diagonal flip turns by 180 degrees: it keeps the shape.
            torch.testing.assert_close(sizes.sort(0)[0], torch.tensor(wanted).reshape(-1, 2).float().sort(0)[0], rtol=0, atol=1e-3)
        assert {max(image.shape[1:]) for batch in loader for image in batch['inputs']} == {512}


@pytest.mark.filterwarnings('ignore:faster_coco_eval is not installed:UserWarning')  # mmdet asks for it, we use pycocotools
@pytest.mark.det
def test_true_boxes_have_a_precision_of_1(polyps):
    import mmdet.evaluation  # noqa: F401  registers the metric

    cfg = parsed('polyps')
    with DefaultScope.overwrite_default_scope('mmdet'):
        evaluator = Evaluator(cfg.val_evaluator)
    evaluator.dataset_meta = dict(classes=('polyp',))
    written = json.loads((polyps / 'val.json').read_text())
    for image in written['images']:
        boxes = torch.tensor([a['bbox'] for a in written['annotations'] if a['image_id'] == image['id']]).reshape(-1, 4).float()
        predicted = dict(bboxes=boxes + boxes[:, [0, 1, 0, 1]] * torch.tensor([0, 0, 1, 1]), scores=torch.ones(len(boxes)))
        predicted['labels'] = torch.zeros(len(boxes), dtype=torch.long)
        sample = dict(img_id=image['id'], ori_shape=(image['height'], image['width']), pred_instances=predicted)
        evaluator.process([sample])
    assert evaluator.evaluate(len(written['images']))['coco/bbox_mAP'] == 1


def test_without_a_variable_the_folders_are_under_data(monkeypatch):
    for name, variable in (('msi_mss', 'MMKD_MSI_MSS'), ('polyps', 'MMKD_POLYPS')):
        monkeypatch.delenv(variable, raising=False)
        cfg = parsed(name)
        assert {cfg[f'{part}_dataloader'].dataset.data_root for part in ('train', 'val', 'test')} == {f'data/{name}'}
