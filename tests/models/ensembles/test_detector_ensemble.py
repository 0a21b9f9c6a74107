"""An ensemble of detectors, and the weighted box fusion of mmdet that it calls: against plain Python and values worked by hand."""

import random

import pytest
import torch
from mmengine.registry import DefaultScope
from support.detection import raw, read, tiny
from witnesses.naive_wbf import clusters_of, iou, joined_mask, weighted_box_fusion

from mmkd_ext.models.ensembles.detector_ensemble import DetectorEnsemble

pytestmark = pytest.mark.det
LEFT, RIGHT, FAR = [10.0, 10.0, 50.0, 30.0], [14.0, 10.0, 54.0, 30.0], [200.0, 10.0, 250.0, 30.0]


@pytest.fixture
def wbf():
    from mmdet.models.utils import weighted_boxes_fusion

    return weighted_boxes_fusion


def scene(seed: int, models: int, side: float) -> tuple[list, list, list]:
    """What models say of 12 objects in 3 classes: misplaced, missed, found twice, of another class, and some of nothing."""
    rng = random.Random(seed)

    def box() -> list[float]:
        x, y = rng.uniform(0, 0.8 * side), rng.uniform(0, 0.8 * side)
        return [x, y, x + rng.uniform(0.05, 0.2) * side, y + rng.uniform(0.05, 0.2) * side]

    objects = [(box(), rng.randrange(3)) for _ in range(12)]
    said: tuple[list, list, list] = ([], [], [])
    for _ in range(models):
        seen = [o for o in objects for _ in range(rng.choice([0, 1, 1, 1, 2]))] + [(box(), rng.randrange(3)) for _ in range(4)]
        boxes = [[z + rng.gauss(0, 0.008) * side for z in near] for near, _ in seen]
        labels = [rng.randrange(3) if rng.random() < 0.1 else label for _, label in seen]
        for place, what in zip(said, (boxes, [rng.uniform(0.05, 1) for _ in seen], labels), strict=True):
            place.append(what)
    return said


@pytest.mark.parametrize('weights', [None, [2.0, 0.5, 1.0]], ids=['alike', 'weighted'])
@pytest.mark.parametrize('side', [1.0, 1333.0], ids=['normalised', 'pixels'])
@pytest.mark.parametrize('seed', range(8))
def test_mmdet_fuses_as_plain_python_does(wbf, seed, side, weights):
    said = scene(seed, 3, side)
    expected = weighted_box_fusion(*said, weights)
    boxes, scores, labels = wbf(*said, weights=weights, iou_thr=0.55)
    assert len(expected) < sum(map(len, said[0])) - 5  # something was fused
    torch.testing.assert_close(scores, torch.tensor([score for score, _, _ in expected]))
    assert labels.tolist() == [label for _, label, _ in expected]
    torch.testing.assert_close(boxes, torch.tensor([box for _, _, box in expected]), rtol=1e-5, atol=1e-5 * side)


def both(wbf, boxes, scores, labels):
    """Scores, labels and boxes, as both say them."""
    found = wbf(boxes, scores, labels, iou_thr=0.55)
    expected = weighted_box_fusion(boxes, scores, labels)
    torch.testing.assert_close(found[0], torch.tensor([box for _, _, box in expected]))
    torch.testing.assert_close(found[1], torch.tensor([score for score, _, _ in expected]))
    assert found[2].tolist() == [label for _, label, _ in expected]
    return [(round(score, 6), label, [round(z, 4) for z in box]) for score, label, box in expected]


def test_two_that_agree_meet_where_the_surer_one_pulls(wbf):
    assert iou(LEFT, RIGHT) == pytest.approx(36 / 44)
    assert both(wbf, [[LEFT], [RIGHT]], [[0.9], [0.3]], [[1], [1]]) == [(0.6, 1, [11.0, 10.0, 51.0, 30.0])]


def test_what_one_of_two_sees_counts_half(wbf):
    found = both(wbf, [[LEFT, FAR], [RIGHT]], [[0.9, 0.8], [0.3]], [[1, 1], [1]])
    assert found == [(0.6, 1, [11.0, 10.0, 51.0, 30.0]), (0.4, 1, FAR)]


def test_two_of_one_model_count_no_more_than_two_of_two(wbf):
    assert both(wbf, [[LEFT, RIGHT, LEFT], []], [[0.9, 0.3, 0.6], []], [[1, 1, 1], []])[0][0] == pytest.approx(0.6)


def test_classes_are_fused_apart(wbf):
    assert [found[:2] for found in both(wbf, [[LEFT], [RIGHT]], [[0.9], [0.3]], [[0], [1]])] == [(0.45, 0), (0.15, 1)]


def test_a_box_joins_the_cluster_s_mean_and_not_its_first_box(wbf):
    # The third overlaps the first by 0.5 only, and the mean of the first two by more than 0.55.
    chain = [[0.0, 0, 30, 10], [5.0, 0, 35, 10], [10.0, 0, 40, 10]]
    assert iou(chain[0], chain[2]) == pytest.approx(0.5)
    assert both(wbf, [[box] for box in chain], [[0.9], [0.8], [0.7]], [[0]] * 3)[0][0] == pytest.approx(0.8)


def test_an_image_on_which_no_model_finds_anything_has_no_boxes(wbf):
    boxes, scores, labels = wbf([[], []], [[], []], [[], []])
    # All three are float vectors of length 0: whoever calls it needs this shape and this type.
    assert boxes.reshape(-1, 4).shape == (0, 4) and scores.shape == (0,) and labels.long().shape == (0,)
    assert weighted_box_fusion([[], []], [[], []], [[], []]) == []


def test_a_threshold_on_scores_keeps_what_is_sure_of_nothing_from_becoming_nan(wbf):
    boxes, scores, _ = wbf([[LEFT, FAR], [LEFT]], [[0.0, 0.5], [0.0]], [[0, 0], [0]], skip_box_thr=1e-6)
    assert boxes.tolist() == [FAR] and scores.tolist() == [0.25]


def test_tensors_of_the_students_may_be_given_as_they_are(wbf):
    said = scene(0, 2, 1333.0)
    tensors = [[torch.tensor(of) for of in what] for what in said]
    for one, two in zip(wbf(*tensors), wbf(*said), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-3)


@torch.no_grad()
def test_the_ensemble_of_detectors_fuses_what_its_networks_find(rng):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = DetectorEnsemble(dict(a=tiny(), b=tiny(embedding=24)), data_preprocessor=tiny()['data_preprocessor']).eval()
    for network in model.networks.values():
        network.roi_head.test_cfg.score_thr = 0.0
    inputs, samples = read(model, raw(rng), training=False)
    said = model(inputs, samples, mode='predict')
    raw_boxes = model(inputs, samples)
    assert set(raw_boxes) == {'a', 'b'}
    for sample in said:
        parts = [sample.networks[name].pred_instances for name in 'ab']
        wanted = weighted_box_fusion(*([each[key].tolist() for each in parts] for key in ('bboxes', 'scores', 'labels')))
        found = sample.pred_instances
        wanted = wanted[: len(found)]
        assert len(found) > 10
        torch.testing.assert_close(found.scores, torch.tensor([x[0] for x in wanted]))
        torch.testing.assert_close(found.bboxes, torch.tensor([x[2] for x in wanted]), rtol=1e-4, atol=1e-3)


@torch.no_grad()
def test_masks_are_joined_with_their_boxes(rng):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        networks = dict(a=tiny('mask'), b=tiny('mask', embedding=24))
        model = DetectorEnsemble(networks, data_preprocessor=tiny('mask')['data_preprocessor']).eval()
    for network in model.networks.values():
        network.roi_head.test_cfg.score_thr = 0.0
        network.roi_head.test_cfg.max_per_img = 20
        for name, parameter in network.roi_head.mask_head.named_parameters():
            if name.endswith('bias'):
                torch.nn.init.uniform_(parameter, -0.5, 0.5, generator=rng)
    inputs, samples = read(model, raw(rng, masks=True), training=False)
    alone = {name: network.predict(inputs, [x.new() for x in samples]) for name, network in model.networks.items()}
    soft = {}
    for name, network in model.networks.items():
        network.roi_head.test_cfg.mask_thr_binary = -1
        soft[name] = network.predict(inputs, [x.new() for x in samples])
        network.roi_head.test_cfg.mask_thr_binary = 0.5
    found = model.predict(inputs, samples)
    for n, sample in enumerate(found):
        parts = [soft[name][n].pred_instances for name in 'ab']
        columns = [[each[key].tolist() for each in parts] for key in ('bboxes', 'scores', 'labels')]
        masks = [mask.tolist() for each in parts for mask in each.masks]
        members = clusters_of(*columns)[: len(sample.pred_instances)]
        assert len(members) > 10 and any(len(each) > 1 for each in members)
        assert sample.pred_instances.masks.tolist() == [joined_mask([masks[i] for i in each], 0.5) for each in members]
        assert 0 < sample.pred_instances.masks.float().mean() < 1
        for name in 'ab':  # what each says alone is what it says in the ensemble, to the last pixel
            own = sample.networks[name].pred_instances
            assert set(own.keys()) == {'bboxes', 'scores', 'labels', 'masks'}
            assert own.masks.equal(alone[name][n].pred_instances.masks) and own.bboxes.equal(alone[name][n].pred_instances.bboxes)
