"""Class means over regions: the student's sampling, the teacher's embeddings, the background as last class."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from support.detection import CLASSES, LOSSES, distiller, pair, raw, read, teacher_of, tiny

from mmkd_ext.class_means.compute import means_of_teacher

ND = dict(nd=LOSSES['nd'])


@pytest.fixture
def data(tmp_path):
    """Four scenes of digits 0 to 2 as labels of three classes, and the loader's config."""
    from mmkd_ext.datasets.digit_scenes import DigitScenes

    cfg = dict(root=str(tmp_path), scenes=60, metainfo=dict(classes=('0', '1', '2')), filter_cfg=dict(filter_empty_gt=True), pipeline=[
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True),
        dict(type='Resize', scale=(64, 64)), dict(type='PackDetInputs')])
    with DefaultScope.overwrite_default_scope('mmdet'):  # whatever scope another test has left
        yield dict(dataset=dict(type='mmkd_ext.DigitScenes', **cfg), batch_size=3, num_workers=0), DigitScenes(**cfg)


def test_means_are_the_naive_ones_and_are_kept_for_their_own_sampling(data, tmp_path, monkeypatch):
    loader, dataset = data
    model = pair(losses=ND)
    teacher, seen = model.teachers['teacher'], []
    original = model.class_mean_samples

    def watched(*args):
        seen.append(original(*args))
        return seen[-1]

    monkeypatch.setattr(model, 'class_mean_samples', watched)
    state = torch.get_rng_state()
    found = means_of_teacher(model, teacher, loader, dataset, None, tmp_path / 'means', limit=12)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(seen) == 4 and found.names == ['0', '1', '2', 'background'] and found.means.dtype == torch.float64
    for k in range(CLASSES + 1):
        rows = [e for out, labels in seen for e, y in zip(out.embedding.tolist(), labels.tolist(), strict=True) if y == k]
        naive = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        assert found.counts[k] == len(rows)
        torch.testing.assert_close(found.means[k], torch.tensor(naive, dtype=torch.float64))
    assert found.counts[CLASSES] > found.counts[:CLASSES].max()

    again = means_of_teacher(model, teacher, loader, dataset, None, tmp_path / 'means', limit=12)
    assert len(seen) == 4 and again.path == found.path
    more = means_of_teacher(model, teacher, loader, dataset, None, tmp_path / 'means', limit=15)
    assert len(seen) == 9 and more.path != found.path
    model.student.train_cfg.rcnn.sampler.num = 8
    with pytest.raises(ValueError, match='made with sampling'):
        means_of_teacher(model, teacher, loader, dataset, found.path, limit=12)
    with pytest.raises(ValueError, match='at least one image, got a limit of 0'):
        means_of_teacher(model, teacher, loader, dataset, None, tmp_path / 'other', limit=0)


def test_data_of_other_classes_are_refused_and_a_class_that_never_occurs_is_warned_of(data, tmp_path, monkeypatch):
    loader, dataset = data
    model = distiller(tiny(classes=4), teacher_of(tiny(classes=4)), ND)
    with pytest.raises(ValueError, match="data of the student's 4 classes, got 3"):
        means_of_teacher(model, model.teachers['teacher'], loader, dataset, None, tmp_path)
    cfg = {k: v for k, v in loader['dataset'].items() if k != 'type'}
    one = type(dataset)(**{**cfg, 'metainfo': dict(classes=('0', '1', 'owl'))})
    model = pair(losses=ND)
    warned = []
    monkeypatch.setattr('mmkd_ext.class_means.classes_without_samples.print_log', lambda text, *_: warned.append(text))
    for _ in range(2):  # made, and read from its file
        warned.clear()
        found = means_of_teacher(model, model.teachers['teacher'], loader, one, None, tmp_path, limit=12)
        assert len(warned) == 1 and 'no sample of 1 of 4 classes: 2 (owl).' in warned[0]
        assert found.counts.tolist().count(0) == 1 and found.means.isnan().all(dim=1).tolist() == [False, False, True, False]


def test_classes_that_the_looked_at_images_lack_and_the_data_has_are_refused(data, tmp_path):
    loader, dataset = data
    model = pair(losses=ND)
    with pytest.raises(ValueError, match=r'all classes that occur, got none of .* in 1 images, .* and at max_images'):
        means_of_teacher(model, model.teachers['teacher'], loader, dataset, None, tmp_path, limit=1)


@pytest.mark.parametrize('kind', ['faster', 'cascade'])
def test_a_box_of_a_class_without_a_mean_is_refused_before_the_batch_moves(kind, rng):
    model = pair(kind, ND)
    rows = model.class_mean_names(('0', '1', 'owl'))
    means = torch.rand(len(rows), 48, generator=rng) + 0.1
    means[2::CLASSES + 1] = torch.nan
    model.distill.nd.set_class_means(means, rows)
    two = raw(rng)  # labels 0 and 1
    inputs, samples = read(model, two)
    assert torch.isfinite(model(inputs, samples, mode='loss')['loss_nd'])
    three = raw(rng, boxes=[[[4, 6, 30, 34], [20, 10, 44, 50], [1, 1, 20, 20]]] * 2)
    model.data_preprocessor(copy.deepcopy(three), False)
    with pytest.raises(ValueError, match=r'got a sample of 2 \(owl'):
        model.data_preprocessor(three, True)
