"""Query detectors as a kind: read at the queries that are matched to true boxes, and the stock detector otherwise."""

import copy
import warnings
from itertools import permutations

import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmengine.runner.checkpoint import get_state_dict
from support.dense import tiny as dense
from support.detection import CLASSES, build, read, teacher_of
from support.detection import tiny as two_stage
from support.detection_gloo import check_own_losses_and_mean_gradients
from support.query import BOXES, LOSSES, THREE, ZOO, batch, distiller, pair, tiny, with_means
from torchvision.ops import box_convert, generalized_box_iou
from witnesses.naive_kd import naive_binary_kd, naive_kd
from witnesses.naive_maps import naive_pkd
from witnesses.naive_nd import naive_nd

from mmkd_ext.models.outputs.kinds.query.kind import Query
from mmkd_ext.models.outputs.kinds.query.matching import own_queries
from mmkd_ext.models.plain_config import plain_model

pytestmark = [  # of mmdet and mmcv
    pytest.mark.filterwarnings('ignore:torch.meshgrid'), pytest.mark.filterwarnings('ignore:.*MultiScaleDeformableAttention'),
    pytest.mark.filterwarnings('ignore::DeprecationWarning'),
    pytest.mark.filterwarnings('ignore:To copy construct from a tensor')]
KINDS = pytest.mark.parametrize('kind', THREE)
KD = dict(kd=LOSSES['kd'])


def decoded(detector, inputs, samples):
    """Maps, and of the last decoder layer the queries' embeddings, class scores and boxes, by the parts of mmdet; none for denoising."""
    maps = detector.extract_feat(inputs)
    given = detector.forward_transformer(maps, samples)
    given = {name: given[name] for name in ('hidden_states', 'references') if name in given}
    scores, boxes = detector.bbox_head(**given)
    return maps, *(x[-1][:, -detector.num_queries :].detach() for x in (given['hidden_states'], scores, boxes))


def costs(kind, scores, boxes, sample):
    """(queries, boxes) of DETR's matching, written out: classes by a softmax or a focal loss, corners by L1 and by generalised IoU."""
    truth, (height, width) = sample.gt_instances, sample.img_shape
    size = torch.tensor([width, height, width, height])
    wanted = box_convert(truth.bboxes / size, 'xyxy', 'cxcywh')
    if kind == 'detr':
        by_class = -scores.softmax(dim=-1)[:, truth.labels]
    else:
        p = scores.sigmoid()[:, truth.labels]
        by_class = 2 * (-0.25 * (1 - p) ** 2 * (p + 1e-12).log() + 0.75 * p**2 * (1 - p + 1e-12).log())
    overlap = generalized_box_iou(box_convert(boxes, 'cxcywh', 'xyxy') * size, truth.bboxes)
    return by_class + 5 * torch.cdist(boxes, wanted, p=1) - 2 * overlap


def cheapest(table):
    """The query of each box, by trying all."""
    rows = table.tolist()
    return list(min(permutations(range(len(rows)), table.shape[1]), key=lambda each: sum(rows[q][i] for i, q in enumerate(each))))


@pytest.mark.parametrize('kind', [*THREE, 'dab'])
def test_terms_equal_both_networks_read_by_hand_at_the_cheapest_queries_of_each(kind, rng):
    model = pair(kind).train()
    inputs, samples = read(model, batch(rng))
    reference = copy.deepcopy(model).train()
    teacher = model.teachers['teacher'].network
    torch.manual_seed(3)  # of dropout and of the boxes for denoising
    terms = model(inputs, copy.deepcopy(samples), mode='loss')
    torch.manual_seed(3)
    mine, theirs = decoded(reference.student, inputs, samples), decoded(teacher.eval(), inputs, samples)
    rows = []
    for _, hidden, scores, boxes in (mine, theirs):
        chosen = [(n, q) for n, sample in enumerate(samples) for q in cheapest(costs(kind, scores[n], boxes[n], sample))]
        rows.append([torch.stack([x[n, q] for n, q in chosen]) for x in (hidden, scores)])
    (s_embedding, s_logits), (t_embedding, t_logits) = rows
    target = [y for sample in samples for y in sample.gt_instances.labels.tolist()]
    assert target == [0, 1, 2, 0] and s_logits.shape[1] == (4 if kind == 'detr' else 3)
    expected = 1.5 * (naive_kd if kind == 'detr' else naive_binary_kd)(s_logits.double(), t_logits.double(), 2.0).item()
    assert float(terms['loss_kd'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-6) and expected > 1e-3
    with torch.no_grad():
        projected = reference.distill.nd.projection(s_embedding)
        widened = [conv(x) for conv, x in zip(reference.distill.pkd.adapters, mine[0], strict=True)]
    assert float(terms['loss_nd'].detach()) == pytest.approx(
        naive_nd(projected.double(), t_embedding.double(), torch.tensor(target), reference.distill.nd.class_means).item(), abs=1e-6)
    expected = sum(naive_pkd(s.double(), t.double()).item() for s, t in zip(widened, theirs[0], strict=True))
    assert float(terms['loss_pkd'].detach()) == pytest.approx(0.5 * expected, abs=1e-5)
    top1 = 100 * sum(int(a == y) for a, y in zip(t_logits.argmax(1).tolist(), target, strict=True)) / len(target)
    assert float(terms['teacher_top1']) == pytest.approx(top1, abs=1e-4)


@pytest.mark.parametrize('kind', ['conditional', 'two_stage'])  # mmdet has 256 written into both
def test_wide_ones_are_read_too(kind, rng):
    model = distiller(tiny(kind, 256, layers=1), teacher_of(tiny(kind, 256, 12, layers=1)), KD, input_size=64).train()
    inputs, samples = read(model, batch(rng))
    copied = copy.deepcopy(model.student)
    torch.manual_seed(3)
    seen = model.reader.train(inputs, samples, None)
    torch.manual_seed(3)
    _, hidden, scores, boxes = decoded(copied, inputs, samples)
    chosen = [(n, q) for n, sample in enumerate(samples) for q in cheapest(costs(kind, scores[n], boxes[n], sample))]
    torch.testing.assert_close(seen.outputs.logits.detach(), torch.stack([scores[n, q] for n, q in chosen]))
    torch.testing.assert_close(seen.outputs.embedding.detach(), torch.stack([hidden[n, q] for n, q in chosen]))
    assert seen.outputs.scores == 'sigmoid' and seen.target.tolist() == [0, 1, 2, 0]


@KINDS
def test_with_weights_of_0_the_losses_are_the_stock_detector_s_to_the_last_bit(kind, rng):
    none = {name: {**cfg, 'loss_weight': 0.0} for name, cfg in LOSSES.items()}
    model = with_means(distiller(tiny(kind), teacher_of(tiny(kind, 64)), none, input_size=64))
    stock, data = build(tiny(kind)), [batch(rng) for _ in range(2)]
    stock.load_state_dict(model.student.state_dict())

    def run(detector):
        optim = build_optim_wrapper(detector, dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)))
        torch.manual_seed(5)
        detector.train()
        return [detector.train_step(copy.deepcopy(each), optim) for each in data]

    for got, expected in zip(run(model), run(stock), strict=True):
        for name, value in expected.items():
            assert torch.equal(torch.as_tensor(got[name]), torch.as_tensor(value)), name
        assert {n for n in got if 'loss' in n} - set(expected) == {'loss_kd', 'loss_nd', 'loss_pkd'}
    # a map that a loss reads beside the encoder has its gradient summed in another order
    torch.testing.assert_close(model.student.state_dict(), stock.state_dict(), rtol=1e-6, atol=1e-8)


@KINDS
def test_each_network_runs_once_and_a_step_reaches_every_parameter_and_no_teacher(kind, rng):
    model = pair(kind).train()
    teacher, seen = model.teachers['teacher'].network, []
    for name, detector in (('student', model.student), ('teacher', teacher)):
        for part in ('backbone', 'neck', 'encoder', 'decoder'):
            getattr(detector, part).register_forward_hook(lambda *_, name=name, part=part: seen.append((name, part)))
    total, _ = model.parse_losses(model(*read(model, batch(rng)), mode='loss'))
    assert len(seen) == 8 == len(set(seen)) and not teacher.training
    total.backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    assert all(p.grad is None for p in teacher.parameters())
    for detector in (model.student, teacher):
        assert 'extract_feat' not in vars(detector) and 'forward' not in vars(detector.bbox_head)
        assert 'assign' not in vars(detector.bbox_head.assigner)


@KINDS
def test_a_batch_without_boxes_gives_0_and_a_gradient_to_every_parameter_that_the_stock_detector_trains(kind, rng):
    model = pair(kind).train()
    inputs, samples = read(model, batch(rng, [[], []]))
    stock = copy.deepcopy(model.student)
    sum(value for key, value in stock.loss(inputs, copy.deepcopy(samples)).items() if 'loss' in key).sum().backward()
    untrained = {f'student.{name}' for name, p in stock.named_parameters() if p.grad is None}
    terms = model(inputs, samples, mode='loss')
    assert float(terms['loss_kd'].detach()) == float(terms['loss_nd'].detach()) == 0 and float(terms['loss_pkd'].detach()) > 0
    total, told = model.parse_losses(terms)
    total.backward()
    assert all(torch.as_tensor(x).isfinite().all() for x in told.values())
    assert {name for name, p in model.named_parameters() if p.requires_grad and p.grad is None} <= untrained


def test_one_image_without_boxes_leaves_the_samples_of_the_other(rng):
    model = pair(losses=KD).train()
    seen = model.reader.train(*read(model, batch(rng, [[], BOXES[0]])), None)
    assert seen.target.tolist() == [0, 1, 2] and [len(x) for x in seen.places.truth] == [0, 3]


def test_of_more_boxes_than_queries_the_student_s_are_taken_and_the_teacher_s_serve_twice(rng):
    few = distiller(tiny(queries=2), teacher_of(tiny(queries=10)), KD, input_size=64).train()
    seen = few.reader.train(*read(few, batch(rng)), None)
    assert [len(x) for x in seen.places.truth] == [2, 1]
    model = distiller(tiny(), teacher_of(tiny(queries=2)), LOSSES | dict(nd=None), input_size=64).train()
    inputs, samples = read(model, batch(rng))
    terms = model(inputs, samples, mode='loss')
    assert float(terms['loss_kd'].detach()) > 0
    reader = model.teachers['teacher'].reader
    features = reader.look(inputs, samples)
    chosen = own_queries(reader.head, features, model.reader.train(inputs, samples, None).places)
    assert [len(x) for x in chosen] == [3, 1] and set(chosen[0].tolist()) == {0, 1}


@KINDS
def test_a_training_checkpoint_and_the_deployed_config_are_the_stock_detector_s(kind, tmp_path, rng):
    model = pair(kind)
    cfg = dict(type='mmkd_ext.OfflineDistiller', student=tiny(kind), teacher=teacher_of(tiny(kind)), losses={}, input_size=64)
    distiller(cfg['student'], cfg['teacher'], {}, input_size=64)
    assert plain_model(cfg) == tiny(kind) and cfg['student'] == tiny(kind)
    torch.save(dict(state_dict=get_state_dict(model), meta=dict(dataset_meta=dict(classes=('a', 'b', 'c')))), tmp_path / 'iter_1.pth')
    cfg = Config(dict(model=tiny(kind), default_scope='mmdet', test_dataloader=get_config(ZOO[kind]).test_dataloader))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of mmdet, for an optional package that is absent
        from mmdet.apis import init_detector

        stock = init_detector(cfg, str(tmp_path / 'iter_1.pth'), device='cpu', palette='coco')
    torch.testing.assert_close(stock.state_dict(), model.student.state_dict(), rtol=0, atol=0)
    found = []
    for detector in (model.eval(), stock):
        with torch.no_grad():
            found.append([x.pred_instances.bboxes for x in detector(*read(detector, batch(rng.manual_seed(1)), False), mode='predict')])
    assert sum(map(len, found[0])) == 20
    torch.testing.assert_close(*found, rtol=0, atol=0)


@KINDS
def test_class_means_are_the_teacher_s_embeddings_of_all_true_boxes_and_no_student_changes_them(kind, rng):
    model = pair(kind, dict(nd=LOSSES['nd']))
    assert model.num_classes == CLASSES and model.class_mean_names(('a', 'b', 'c')) == ['a', 'b', 'c']
    data = model.data_preprocessor(batch(rng), False)
    outputs, rows = model.class_mean_samples(model.teachers['teacher'], data)
    seen = model.train().reader.train(data['inputs'], data['data_samples'], None)
    assert outputs.embedding.shape == (4, 64) and rows.tolist() == seen.target.tolist() == [0, 1, 2, 0]
    expected = model.teachers['teacher'](data['inputs'], data['data_samples'], seen.places)
    torch.testing.assert_close(outputs.embedding, expected.embedding)
    assert model.class_mean_provenance is None


def test_the_log_tells_that_kd_is_the_binary_form_where_scores_are_sigmoids(monkeypatch):
    said = []
    monkeypatch.setattr('mmkd_ext.models.outputs.kinds.query.kind.print_log', lambda text, *_: said.append(text))
    distiller(tiny('detr'), teacher_of(tiny('detr')), KD, input_size=64)
    assert said == []
    distiller(tiny(), teacher_of(tiny()), LOSSES, input_size=64)
    assert said == ['losses.kd compares a yes or no for each class, since the scores of this detector are sigmoids.']


def test_a_step_in_bfloat16_on_a_cpu_is_close_to_float32(rng):
    data, terms = batch(rng), []
    for kind in ('OptimWrapper', 'mmkd_ext.CPUAmpOptimWrapper'):
        model = pair().train()
        torch.manual_seed(1)
        terms.append(model.train_step(copy.deepcopy(data), build_optim_wrapper(model, dict(type=kind, optimizer=dict(type='SGD', lr=0.0)))))
    assert all(terms[1][name].dtype == torch.float32 for name in ('loss_kd', 'loss_nd', 'loss_pkd'))
    assert float(terms[1]['loss'].detach()) == pytest.approx(float(terms[0]['loss'].detach()), rel=0.03)


def test_two_processes_have_their_own_losses_and_the_mean_of_both_gradients():
    check_own_losses_and_mean_gradients(pair)


def without_assigner():
    model = tiny()
    model.pop('train_cfg')
    return model


CLASSIFIER = dict(type='mmpretrain.ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(
    type='mmpretrain.GlobalAveragePooling'), head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=64))  # fmt: skip


@pytest.mark.parametrize(('student', 'teacher', 'text'), [
    (tiny, dense, 'DETR as teacher RetinaNet, got RetinaNet with a RetinaHead, which has no decoder with a bbox_head. Use .mmdet::detr'),
    (tiny, two_stage, 'needs a DETR as teacher FasterRCNN, got FasterRCNN, which has no decoder'),
    (tiny, lambda: CLASSIFIER, 'needs a DETR as teacher ImageClassifier, got ImageClassifier, which has no decoder'),
    (dense, tiny, 'as teacher DeformableDETR, got DeformableDETR with a DeformableDETRHead, which has no classification tower'),
    (tiny, lambda: tiny(classes=5), 'losses.kd compares the queries that both .* got 3 of the student and 5 of the teacher'),
    (tiny, lambda: tiny('detr'), 'got a sigmoid for each class of the student and one softmax over the classes of the teacher'),
    (without_assigner, tiny, 'as student, got DeformableDETR with a DeformableDETRHead, which has no assigner .train_cfg.assigner.'),
    (tiny, without_assigner, 'as teacher DeformableDETR, got .* which has no assigner'),
], ids=['dense', 'two-stage', 'classifier', 'of a dense one', 'classes', 'scores', 'student unmatched', 'teacher unmatched'])
def test_what_does_not_fit_is_told_in_one_sentence(student, teacher, text):
    with pytest.raises(ValueError, match=text):
        distiller(student(), teacher_of(teacher()), KD, input_size=64)


def test_maps_alone_may_be_followed_of_other_classes_and_other_scores(rng):
    for teacher in (tiny(classes=2), tiny('dino')):
        model = distiller(tiny(), teacher_of(teacher), dict(pkd=LOSSES['pkd']), input_size=64).train()
        terms = model(*read(model, batch(rng)), mode='loss')
        assert float(terms['loss_pkd'].detach()) > 0 and model.kind is Query


def test_losses_of_one_softmax_and_maps_with_embeddings_are_refused():
    with pytest.raises(ValueError, match='losses.dist .DISTLoss. compares one softmax over the classes of both'):
        distiller(tiny(), teacher_of(tiny()), dict(dist=dict(type='mmkd_ext.DISTLoss')), input_size=64)
    with pytest.raises(ValueError, match='needs with_embedding=False in detection'):
        distiller(tiny(), teacher_of(tiny()), dict(review=dict(type='mmkd_ext.ReviewKDLoss')), input_size=64)
    assert distiller(tiny('detr'), teacher_of(tiny('detr')), dict(dist=dict(type='mmkd_ext.DISTLoss')), input_size=64).num_classes == 3
