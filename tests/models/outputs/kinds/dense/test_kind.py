"""Dense detectors as a kind: read at the positions that the student's assigner calls positive, and the stock detector otherwise."""

import copy
import warnings

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmengine.runner.checkpoint import get_state_dict
from support.dense import BOXES, LOSSES, THREE, ZOO, batch, distiller, pair, tiny, with_means
from support.detection import CLASSES, build, read, teacher_of
from support.detection import tiny as two_stage
from support.query import tiny as tiny_query
from witnesses.naive_kd import naive_binary_kd
from witnesses.naive_maps import naive_pkd
from witnesses.naive_nd import naive_nd

from mmkd_ext.models.outputs.kinds.dense.kind import Dense
from mmkd_ext.models.plain_config import plain_model

pytestmark = [  # of mmdet
    pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`'), pytest.mark.filterwarnings('ignore:torch.meshgrid')]
KINDS = pytest.mark.parametrize('kind', THREE)
ALSO_YOLOX = pytest.mark.parametrize('kind', [*THREE, 'yolox'])  # whose assigner is asked for each image
CLASS_CONV = dict(retinanet='retina_cls', fcos='conv_cls', gfl='gfl_cls', atss='atss_cls')
KD = dict(kd=LOSSES['kd'])


def told_positive(detector, samples, maps):
    """By mmdet's own targets: (level, image, row, column, prior) and label of every positive, level by level."""
    head, sizes = detector.bbox_head, [x.shape[2:] for x in maps]
    truth, metas = [x.gt_instances for x in samples], [x.metainfo for x in samples]
    if hasattr(head, 'get_anchors'):
        anchors, flags = head.get_anchors(sizes, metas, device='cpu')
        targets = head.get_targets(anchors, flags, truth, metas, batch_gt_instances_ignore=[x.ignored_instances for x in samples])
        labels = targets[0 if type(head).__name__ == 'RetinaHead' else 1]
    else:
        labels = head.get_targets(head.prior_generator.grid_priors(sizes, device='cpu'), truth)[0]
    found, priors = [], head.num_base_priors
    for level, (each, (height, width)) in enumerate(zip(labels, sizes, strict=True)):
        for place, label in enumerate(each.flatten().tolist()):
            if 0 <= label < CLASSES:
                cell, prior = divmod(place, priors)
                image, cell = divmod(cell, height * width)
                found.append(((level, image, *divmod(cell, width), prior), label))
    return found


def by_hand(detector, kind, maps, places):
    """Embedding and logits at places, by the tower and a convolution written out."""
    head = detector.bbox_head
    conv = getattr(head, CLASS_CONV[kind])
    embeddings, logits = [], []
    for level, image, row, column, prior in places:
        entered = head.cls_convs[0](maps[level])
        around = F.pad(entered, (1, 1, 1, 1))[image, :, row : row + 3, column : column + 3]
        own = slice(prior * CLASSES, (prior + 1) * CLASSES)
        embeddings.append(entered[image, :, row, column])
        logits.append((conv.weight[own] * around).sum(dim=(1, 2, 3)) + conv.bias[own])
    return torch.stack(embeddings), torch.stack(logits)


@KINDS
def test_terms_equal_both_networks_read_by_hand_at_mmdet_s_own_targets(kind, rng):
    model = pair(kind).train()
    inputs, samples = read(model, batch(rng))
    reference = copy.deepcopy(model).train()
    student, teacher = reference.student, model.teachers['teacher'].network
    terms = model(inputs, copy.deepcopy(samples), mode='loss')
    with torch.no_grad():
        mine, theirs = student.neck(student.backbone(inputs)), teacher.neck(teacher.backbone(inputs))
        places, target = zip(*told_positive(student, samples, mine), strict=True)
        (s_embedding, s_logits), (t_embedding, t_logits) = (
            by_hand(network, kind, maps, places) for network, maps in ((student, mine), (teacher, theirs)))
        projected = reference.distill.nd.projection(s_embedding)
        widened = [conv(x) for conv, x in zip(reference.distill.pkd.adapters, mine, strict=True)]
    assert len({place[0] for place in places}) > 1 and {place[1] for place in places} == {0, 1} and len(set(target)) > 1
    assert len({place[4] for place in places}) > (kind == 'retinanet')
    expected = 1.5 * naive_binary_kd(s_logits.double(), t_logits.double(), 2.0).item()
    assert float(terms['loss_kd'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-6) and expected > 1e-3
    assert float(terms['loss_nd'].detach()) == pytest.approx(
        naive_nd(projected.double(), t_embedding.double(), torch.tensor(target), reference.distill.nd.class_means).item(), abs=1e-6)
    expected = sum(naive_pkd(s.double(), t.double()).item() for s, t in zip(widened, theirs, strict=True))
    assert float(terms['loss_pkd'].detach()) == pytest.approx(0.5 * expected, abs=1e-5)
    top1 = 100 * sum(int(a == y) for a, y in zip(s_logits.argmax(1).tolist(), target, strict=True)) / len(target)
    assert float(terms['student_top1']) == pytest.approx(top1, abs=1e-4)


@pytest.mark.parametrize('kind', ['atss', 'rtmdet', 'yolox'])
def test_an_assigner_that_looks_at_predictions_and_a_tower_for_each_map_are_read_too(kind, rng):
    model = pair(kind, KD).train()
    inputs, samples = read(model, batch(rng))
    copied = copy.deepcopy(model.student)
    scores = copied.bbox_head(copied.extract_feat(inputs))[0]
    seen = model.reader.train(inputs, samples, None)
    assert seen.outputs.scores == 'sigmoid' and len(seen.target) > 2
    rows = iter(seen.outputs.logits)
    for level, (image, row, column, _) in enumerate(seen.places.cells.values()):
        for n, y, x in zip(image.tolist(), row.tolist(), column.tolist(), strict=True):
            torch.testing.assert_close(next(rows), scores[level][n, :, y, x])
    assert next(rows, None) is None
    assert float(model(inputs, samples, mode='loss')['loss_kd'].detach()) > 0


@pytest.mark.parametrize('boxes', [BOXES, [BOXES[0], []], [[], BOXES[1]]], ids=['both', 'first', 'second'])
def test_positives_and_labels_of_yolox_are_those_of_its_own_targets_image_by_image(boxes, rng):
    model = pair('yolox', KD).train()
    inputs, samples = read(model, batch(rng, boxes))
    copied = copy.deepcopy(model.student)
    targets, original = [], copied.bbox_head._get_targets_single

    def keep(*given):
        targets.append(original(*given))
        return targets[-1]

    copied.bbox_head._get_targets_single = keep
    copied.loss(inputs, copy.deepcopy(samples))
    expected = [
        (n, place, label) for n, (mask, scores, *_) in enumerate(targets)
        for place, label in zip(mask.nonzero().flatten().tolist(), scores.argmax(1).tolist(), strict=True)]
    seen = model.reader.train(inputs, samples, None)
    found, start, labels = [], 0, iter(seen.target.tolist())
    for x, (image, row, column, _) in zip(seen.outputs.stages, seen.places.cells.values(), strict=True):
        for n, y, z in zip(image.tolist(), row.tolist(), column.tolist(), strict=True):
            found.append((n, start + y * x.shape[3] + z, next(labels)))
        start += x.shape[2:].numel()
    assert sorted(found) == sorted(expected) and {n for n, _, _ in found} == {n for n, each in enumerate(boxes) if each}


@ALSO_YOLOX
def test_with_weights_of_0_the_losses_are_the_stock_detector_s_to_the_last_bit(kind, rng):
    none = {name: {**cfg, 'loss_weight': 0.0} for name, cfg in LOSSES.items()}
    model = with_means(distiller(tiny(kind), teacher_of(tiny(kind, 16, 24)), none))
    stock, data = build(tiny(kind)), [batch(rng) for _ in range(2)]

    def run(network):
        optim = build_optim_wrapper(network, dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)))
        torch.manual_seed(5)
        network.train()
        return [network.train_step(copy.deepcopy(each), optim) for each in data]

    for got, expected in zip(run(model), run(stock), strict=True):
        for name, value in expected.items():
            assert torch.equal(torch.as_tensor(got[name]), torch.as_tensor(value)), name
        assert {n for n in got if 'loss' in n} - set(expected) == {'loss_kd', 'loss_nd', 'loss_pkd'}
    torch.testing.assert_close(model.student.state_dict(), stock.state_dict(), rtol=0, atol=0)


@ALSO_YOLOX
def test_each_network_runs_once_and_a_step_reaches_every_parameter_and_no_teacher(kind, rng):
    model = pair(kind).train()
    teacher, seen = model.teachers['teacher'].network, []
    for name, network in (('student', model.student), ('teacher', teacher)):
        for part in ('backbone', 'neck', 'bbox_head'):
            getattr(network, part).register_forward_hook(lambda *_, name=name, part=part: seen.append((name, part)))
    total, _ = model.parse_losses(model(*read(model, batch(rng)), mode='loss'))
    assert len(seen) == 6 == len(set(seen)) and not teacher.bbox_head.training
    total.backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    assert all(p.grad is None for p in teacher.parameters())
    assert not {'get_targets', '_get_targets_single'} & set(vars(model.student.bbox_head)) and 'extract_feat' not in vars(model.student)


@ALSO_YOLOX
def test_a_batch_without_positives_gives_0_and_a_gradient_to_every_parameter(kind, rng):
    model = pair(kind).train()
    terms = model(*read(model, batch(rng, [[], []])), mode='loss')
    assert float(terms['loss_kd'].detach()) == float(terms['loss_nd'].detach()) == 0 and float(terms['loss_pkd'].detach()) > 0
    total, told = model.parse_losses(terms)
    total.backward()
    assert all(torch.as_tensor(x).isfinite().all() for x in told.values())
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


@ALSO_YOLOX
def test_a_training_checkpoint_and_the_deployed_config_are_the_stock_detector_s(kind, tmp_path, rng):
    model = pair(kind)
    assert plain_model(dict(type='mmkd_ext.OfflineDistiller', student=tiny(kind), teacher=teacher_of(tiny(kind)), losses={})) == tiny(kind)
    torch.save(dict(state_dict=get_state_dict(model), meta=dict(dataset_meta=dict(classes=('a', 'b', 'c')))), tmp_path / 'iter_1.pth')
    cfg = Config(dict(model=tiny(kind), default_scope='mmdet', test_dataloader=get_config(ZOO[kind]).test_dataloader))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of mmdet, for an optional package that is absent
        from mmdet.apis import init_detector

        stock = init_detector(cfg, str(tmp_path / 'iter_1.pth'), device='cpu', palette='coco')
    torch.testing.assert_close(stock.state_dict(), model.student.state_dict(), rtol=0, atol=0)
    found = []
    for network in (model.eval(), stock):
        with torch.no_grad():
            found.append([x.pred_instances.bboxes for x in network(*read(network, batch(rng.manual_seed(1)), False), mode='predict')])
    assert sum(map(len, found[0])) > 0
    torch.testing.assert_close(*found, rtol=0, atol=0)


@pytest.mark.parametrize(('student', 'teacher'), [('fcos', 'retinanet'), ('retinanet', 'fcos')])
def test_where_one_head_has_one_point_a_cell_each_class_takes_the_teacher_s_highest_score_there(student, teacher, rng):
    model = pair(student, KD, teacher).train()
    inputs, samples = read(model, batch(rng))
    seen = model.reader.train(inputs, copy.deepcopy(samples), None)
    network = model.teachers['teacher'].network
    with torch.no_grad():
        scores = network.bbox_head(network.extract_feat(model.teachers['teacher'].as_its_own(inputs, samples)))[0]
    highest = [
        [max(scores[level][n, k::CLASSES, y, x].tolist()) for k in range(CLASSES)]
        for level, (image, row, column, _) in enumerate(seen.places.cells.values())
        for n, y, x in zip(image.tolist(), row.tolist(), column.tolist(), strict=True)]
    expected = 1.5 * naive_binary_kd(seen.outputs.logits.double(), torch.tensor(highest).double(), 2.0).item()
    assert float(model(inputs, samples, mode='loss')['loss_kd'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize('kind', ['retinanet', 'rtmdet', 'yolox'])
def test_class_means_are_the_teacher_s_embeddings_at_positives_and_no_other_student_changes_them(kind, rng):
    model = pair(kind, dict(nd=LOSSES['nd']))
    assert model.num_classes == CLASSES and model.class_mean_names(('a', 'b', 'c')) == ['a', 'b', 'c']
    data = model.data_preprocessor(batch(rng), False)
    outputs, rows = model.class_mean_samples(model.teachers['teacher'], data)
    assert outputs.embedding.shape == (len(rows), 24) and set(rows.tolist()) == {0, 1}
    if kind == 'retinanet':
        seen = model.reader.train(data['inputs'], data['data_samples'], None)
        assert rows.tolist() == seen.target.tolist()
        expected = model.teachers['teacher'](data['inputs'], data['data_samples'], seen.places)
        torch.testing.assert_close(outputs.embedding, expected.embedding)
    for parameter in model.student.parameters():
        parameter.data.uniform_(-0.1, 0.1)
    again, same = model.class_mean_samples(model.teachers['teacher'], data)
    assert same.tolist() == rows.tolist() and torch.equal(again.embedding, outputs.embedding)
    assert ' at 0x' not in model.class_mean_provenance


def test_the_log_tells_that_kd_is_the_binary_form(monkeypatch):
    said = []
    monkeypatch.setattr('mmkd_ext.models.outputs.kinds.dense.kind.print_log', lambda text, *_: said.append(text))
    distiller(tiny(), teacher_of(tiny()), LOSSES)
    assert said == ['losses.kd compares a yes or no for each class, since the scores of dense detectors are sigmoids.']


def test_one_class_is_never_taken_for_chance(rng, monkeypatch):
    warned = []
    monkeypatch.setattr('mmkd_ext.models.distillers.chance_warning.print_log', lambda text, *_: warned.append(text))
    model = distiller(tiny(classes=1), teacher_of(tiny(classes=1)), KD).train()
    model._chance['teacher'].samples = 1
    terms = model(*read(model, batch(rng, [[BOXES[0][0]], [BOXES[1][0]]])), mode='loss')
    assert warned == [] and float(terms['teacher_top1']) == 100


def without(strides):
    """A RetinaNet of the first maps alone."""
    model = tiny()
    model['neck'].update(num_outs=len(strides), end_level=-1 if len(strides) > 2 else len(strides))
    model['bbox_head']['anchor_generator'].update(strides=strides)
    return model


def deeper():
    """A RetinaNet that has none of RTMDet's strides."""
    model = tiny()
    model['neck'].update(start_level=3, num_outs=2, in_channels=[8, 16, 32, 64])
    model['bbox_head']['anchor_generator'].update(strides=[64, 128])
    model['backbone'].update(strides=(1, 2, 2, 4))
    return model


def fewer_anchors():
    model = tiny()
    model['bbox_head']['anchor_generator'].update(ratios=[1.0, 2.0])
    return model


def softmax():
    model = tiny()
    model['bbox_head']['loss_cls'] = dict(type='CrossEntropyLoss', use_sigmoid=False)
    return model


CLASSIFIER = dict(type='mmpretrain.ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(
    type='mmpretrain.GlobalAveragePooling'), head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=64))  # fmt: skip


@pytest.mark.parametrize(('student', 'teacher', 'text'), [
    (tiny, two_stage, 'as teacher FasterRCNN, got FasterRCNN, which has no bbox_head of its own. Use .mmdet::retinanet'),
    (tiny, lambda: CLASSIFIER, 'as teacher ImageClassifier, got ImageClassifier, which has no bbox_head of its own'),
    (lambda: CLASSIFIER, tiny, 'compared with classifiers, got RetinaNet, a detector, as teacher RetinaNet'),
    (tiny, lambda: tiny(classes=5), 'student has 3 classes and the teacher RetinaNet has 5, but losses.kd compares'),
    (tiny, deeper, r'maps of one stride, got strides \[8, 16, 32, 64, 128\]|every stride of the student'),
    (tiny, lambda: without([8, 16, 32]), r'positions of every stride of the student, got student 8: 16, .*; teacher 8: 16, 16: 16, 32: 16'),
    (tiny, fewer_anchors, 'got 9 anchors a position of the student and 6 of the teacher RetinaNet'),
    (softmax, tiny, 'as student, got RetinaNet with a RetinaHead, which has scores that are no sigmoids'),
    (lambda: 'mmdet::ssd/ssd300_coco.py', tiny, 'as student, got SingleStageDetector with a SSDHead, which has no classification tower'),
    (tiny, lambda: tiny_query('detr'), 'as teacher DETR, got DETR with a DETRHead, which has no classification tower'),
    (lambda: 'mmdet::sabl/sabl-retinanet_r50_fpn_1x_coco.py', tiny, 'as student, got RetinaNet with a SABLRetinaHead, which has no get_t'),
], ids=[
    'two-stage', 'classifier', 'of a classifier', 'classes', 'no stride', 'some strides', 'anchors', 'softmax', 'ssd',
    'detr', 'sabl'])  # fmt: skip
@pytest.mark.filterwarnings('ignore::DeprecationWarning')  # of mmdet's SSD and DETR
def test_what_does_not_fit_is_told_in_one_sentence(student, teacher, text):
    with pytest.raises(ValueError, match=text):
        distiller(student(), teacher_of(teacher()), KD)


def test_no_stride_in_common_is_told_even_without_a_loss():
    with pytest.raises(ValueError, match=r'of one stride, got strides \[8, 16\] of the student and \[64, 128\] of the teacher RetinaNet'):
        distiller(without([8, 16]), teacher_of(deeper()), {})


def test_maps_alone_may_have_some_strides_in_common(rng):
    model = distiller(tiny(), teacher_of(without([8, 16, 32])), dict(pkd=LOSSES['pkd'])).train()
    terms = model(*read(model, batch(rng)), mode='loss')
    assert float(terms['loss_pkd'].detach()) > 0 and len(model.distill.pkd.pairs) == 3


def test_a_head_that_makes_something_else_of_its_scores_is_refused():
    model = get_config('mmdet::tood/tood_r50_fpn_1x_coco.py').model
    model.backbone.init_cfg = None
    with pytest.raises(ValueError, match='those of its last convolution, got a TOODHead'):
        distiller(model.to_dict(), teacher_of(tiny(classes=80)), {})


def test_a_detector_with_a_language_model_is_refused():
    detector = build(tiny())
    detector.language_model = torch.nn.Identity()
    with pytest.raises(ValueError, match='as teacher, got RetinaNet with a RetinaHead, which has a language model'):
        Dense(detector, 'teacher').check()


def test_losses_of_one_softmax_are_refused_and_regions_of_maps_too():
    with pytest.raises(ValueError, match='losses.dist .DISTLoss. compares one softmax over the classes of both'):
        distiller(tiny(), teacher_of(tiny()), dict(dist=dict(type='mmkd_ext.DISTLoss')))
    with pytest.raises(ValueError, match='needs with_embedding=False in detection'):
        distiller(tiny(), teacher_of(tiny()), dict(review=dict(type='mmkd_ext.ReviewKDLoss')))
