"""Segmentors as a kind: read at the labelled pixels of the student's grid, and the stock segmentor otherwise."""

import copy
import warnings

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmengine.runner.checkpoint import get_state_dict
from support import segmentation
from support.detection import teacher_of
from support.detection import tiny as two_stage
from support.detection_gloo import check_own_losses_and_mean_gradients
from support.segmentation import CLASSES, IGNORED, LOSSES, ZOO, batch, build, distiller, pair, read, tiny, with_means
from witnesses.naive_kd import naive_binary_kd, naive_kd
from witnesses.naive_maps import naive_cwd
from witnesses.naive_nd import naive_nd

from mmkd_ext.class_means.compute import _loaded
from mmkd_ext.models.outputs.kinds.known import kind_of, kind_of_config
from mmkd_ext.models.outputs.kinds.segmentor.kind import Segmentor
from mmkd_ext.models.plain_config import plain_model, without_weights
from mmkd_ext.models.zoo.trained_network import network_config

pytest.importorskip('mmseg', reason='of the extra seg')
pytestmark = [  # of mmseg
    pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore``'), pytest.mark.filterwarnings('ignore:When align_corners=True'),
    pytest.mark.filterwarnings('ignore:DeprecationWarning. pretrained is a deprecated')]
KINDS = pytest.mark.parametrize('kind', ZOO)
KD = dict(kd=LOSSES['kd'])


def heads(network):
    """The decode heads in their order."""
    return list(network.decode_head) if isinstance(network.decode_head, torch.nn.ModuleList) else [network.decode_head]


def by_hand(network, images):
    """Maps of the backbone, what enters the last convolution as a pre-hook sees it, and the logits, by mmseg's own forward pass."""
    seen = []
    last = heads(network)[-1].conv_seg
    handle = last.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    maps = network.backbone(images)
    logits = network(images, mode='tensor')
    handle.remove()
    (entered,) = seen
    torch.testing.assert_close(logits, torch.einsum('kd,ndhw->nkhw', last.weight[:, :, 0, 0], entered) + last.bias[:, None, None])
    return maps, entered, logits


def rows(x, places):
    return torch.stack([x[n, :, i, j] for n, i, j in places])


def labelled_by_hand(samples, size):
    """(image, row, column) and label of every cell whose middle lies on a labelled pixel."""
    found = []
    for n, sample in enumerate(samples):
        labels = sample.gt_sem_seg.data[0]
        for i in range(size[0]):
            for j in range(size[1]):
                label = int(labels[int((i + 0.5) * labels.shape[0] / size[0]), int((j + 0.5) * labels.shape[1] / size[1])])
                if label != IGNORED:
                    found.append(((n, i, j), label))
    return [place for place, _ in found], torch.tensor([label for _, label in found])


@KINDS
def test_terms_equal_both_networks_read_by_hand_at_the_labelled_pixels(kind, rng):
    model = pair(kind).train()
    inputs, samples = read(model, batch(rng))
    reference = copy.deepcopy(model).train()
    terms = model(inputs, copy.deepcopy(samples), mode='loss')
    with torch.no_grad():
        mine, s_entered, s_logits = by_hand(reference.student, inputs)
        theirs, t_entered, t_logits = by_hand(model.teachers['teacher'].network, inputs)
        places, target = labelled_by_hand(samples, s_logits.shape[2:])
        losses = reference.distill
        projected = losses.nd.projection(rows(s_entered, places))
        widened = [conv(x) for conv, x in zip(losses.cwd.adapters, mine, strict=True)]
    assert 20 < len(places) < inputs.shape[0] * s_logits.shape[2:].numel() and len(set(target.tolist())) == CLASSES
    expected = 1.5 * naive_kd(rows(s_logits, places).double(), rows(t_logits, places).double(), 2.0).item()
    assert float(terms['loss_kd'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-6) and expected > 1e-2
    assert float(terms['loss_nd'].detach()) == pytest.approx(
        naive_nd(projected.double(), rows(t_entered, places).double(), target, losses.nd.class_means).item(), abs=2e-6)
    expected = sum(naive_cwd(s.double(), t.double(), 4.0).item() for s, t in zip(widened, theirs, strict=True))
    assert float(terms['loss_cwd'].detach()) == pytest.approx(0.5 * expected, rel=1e-4)
    assert float(terms['loss_logits'].detach()) == pytest.approx(3 * naive_cwd(s_logits.double(), t_logits.double(), 4.0).item(), rel=1e-4)
    top1 = 100 * float((rows(s_logits, places).argmax(1) == target).float().mean())
    assert float(terms['student_top1']) == pytest.approx(top1, abs=1e-4)


@KINDS
def test_with_weights_of_0_the_losses_are_the_stock_segmentor_s_to_the_last_bit(kind, rng):
    none = {name: {**cfg, 'loss_weight': 0.0} for name, cfg in LOSSES.items()}
    student = tiny(kind, dropout=0.1)
    model = with_means(distiller(student, teacher_of(tiny(kind, 16, 24, dropout=0.1)), none))
    stock, data = build(student), [batch(rng) for _ in range(2)]

    def run(network):
        optim = build_optim_wrapper(network, dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)))
        torch.manual_seed(5)
        network.train()
        return [network.train_step(copy.deepcopy(each), optim) for each in data]

    for got, expected in zip(run(model), run(stock), strict=True):
        for name, value in expected.items():
            assert torch.equal(torch.as_tensor(got[name]), torch.as_tensor(value)), name
        assert {n for n in got if 'loss' in n} - set(expected) == {f'loss_{name}' for name in LOSSES}
    torch.testing.assert_close(model.student.state_dict(), stock.state_dict(), rtol=0, atol=0)


@KINDS
def test_each_network_runs_once_and_a_step_reaches_every_parameter_and_no_teacher(kind, rng):
    model = pair(kind).train()
    teacher, seen = model.teachers['teacher'].network, []
    for name, network in (('student', model.student), ('teacher', teacher)):
        # of a cascade the last head: mmseg's own training runs the others twice
        for part, module in (('backbone', network.backbone), ('head', heads(network)[-1].conv_seg)):
            module.register_forward_hook(lambda *_, name=name, part=part: seen.append((name, part)))
    total, _ = model.parse_losses(model(*read(model, batch(rng)), mode='loss'))
    assert len(seen) == len(set(seen)) == 4 and not teacher.decode_head.training
    total.backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    assert all(p.grad is None for p in teacher.parameters())
    assert 'extract_feat' not in vars(model.student) and all('forward' not in vars(head) for head in heads(model.student))


@KINDS
def test_a_batch_without_a_labelled_pixel_gives_0_and_a_gradient_to_every_parameter(kind, rng):
    model = pair(kind).train()
    data = batch(rng)
    for sample in data['data_samples']:
        sample.gt_sem_seg.data.fill_(IGNORED)
    terms = model(*read(model, data), mode='loss')
    assert float(terms['loss_kd'].detach()) == float(terms['loss_nd'].detach()) == 0
    assert float(terms['loss_cwd'].detach()) > 0 and float(terms['loss_logits'].detach()) > 0  # maps need no labels
    total, told = model.parse_losses(terms)
    total.backward()
    assert all(torch.as_tensor(x).isfinite().all() for x in told.values())
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


@KINDS
def test_a_training_checkpoint_and_the_deployed_config_are_the_stock_segmentor_s(kind, tmp_path, rng):
    model = pair(kind)
    assert plain_model(dict(type='mmkd_ext.OfflineDistiller', student=tiny(kind), teacher=teacher_of(tiny(kind)), losses={})) == tiny(kind)
    torch.save(dict(state_dict=get_state_dict(model), meta=dict(dataset_meta=dict(
        classes=('a', 'b', 'c'), palette=[[0, 0, 0], [1, 1, 1], [2, 2, 2]]))), tmp_path / 'iter_1.pth')  # fmt: skip
    cfg = Config(dict(model=tiny(kind), default_scope='mmseg', test_dataloader=get_config(ZOO[kind]).test_dataloader))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of mmseg
        from mmseg.apis import init_model

        stock = init_model(cfg, str(tmp_path / 'iter_1.pth'), device='cpu')
    torch.testing.assert_close(stock.state_dict(), model.student.state_dict(), rtol=0, atol=0)
    found = []
    for network in (model.eval(), stock):
        with torch.no_grad():
            data = read(network, batch(rng.manual_seed(1), sizes=((64, 64), (64, 64))), False)
            found.append([x.seg_logits.data for x in network(*data, mode='predict')])
    assert found[0][0].shape == (CLASSES, 64, 64)
    torch.testing.assert_close(*found, rtol=0, atol=0)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(('student', 'teacher'), [('psp', 'segformer'), ('segformer', 'psp')])
def test_a_teacher_of_another_stride_is_resized_to_the_student_s_grid(student, teacher, align_corners, rng):
    model = pair(student, KD, teacher, dict(align_corners=align_corners)).train()
    inputs, samples = read(model, batch(rng))
    seen = copy.deepcopy(model).reader.train(inputs, copy.deepcopy(samples), None)
    with torch.no_grad():
        logits = model.teachers['teacher'].network(inputs, mode='tensor')
    assert logits.shape[2:] != seen.places.size
    larger = F.interpolate(logits, seen.places.size, mode='bilinear', align_corners=align_corners)
    theirs = larger.permute(0, 2, 3, 1).reshape(-1, CLASSES)[seen.places.cells]
    expected = 1.5 * naive_kd(seen.outputs.logits.double(), theirs.double(), 2.0).item()
    assert float(model(inputs, samples, mode='loss')['loss_kd'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_teacher_sees_its_own_mean_deviation_order_and_padding(rng):
    own = dict(mean=[10.0, 20.0, 30.0], std=[2.0, 3.0, 4.0], bgr_to_rgb=False)
    model = distiller(tiny(), teacher_of(tiny(width=16, preprocessor=own)), KD).train()
    data = batch(rng)
    inputs, samples = read(model, data)
    seen = []
    model.teachers['teacher'].network.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(inputs, samples, mode='loss')
    expected, _ = read(build(tiny(preprocessor=own)), data)
    assert expected[1, :, :, 48:].abs().max() == 0 and not torch.equal(seen[0][:, [2, 1, 0]], expected)
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-3)


def test_class_means_are_the_teacher_s_embeddings_at_labelled_pixels_of_its_own_grid(rng):
    model = pair('psp', dict(nd=LOSSES['nd']), 'segformer')
    assert model.num_classes == CLASSES and model.class_mean_names(('a', 'b', 'c')) == ['a', 'b', 'c']
    inputs, samples = read(model, batch(rng, sizes=((64, 64), (64, 64))), False)
    outputs, labels = model.class_mean_samples(model.teachers['teacher'], dict(inputs=inputs, data_samples=samples))
    with torch.no_grad():
        _, entered, logits = by_hand(model.teachers['teacher'].network, inputs)
    places, target = labelled_by_hand(samples, logits.shape[2:])
    assert labels.tolist() == target.tolist() and len(target) > 300
    torch.testing.assert_close(outputs.embedding, rows(entered, places))
    assert '255' in model.class_mean_provenance and ' at 0x' not in model.class_mean_provenance


def test_class_means_take_images_of_several_sizes_as_training_pads_them(rng):
    model, data = pair(losses=dict(nd=LOSSES['nd'])), batch(rng)
    rows = [dict(inputs=image, data_samples=sample) for image, sample in zip(*data.values(), strict=True)]
    (found,) = _loaded(model, dict(batch_size=2), copy.deepcopy(rows))
    inputs, samples = read(model, data)
    assert torch.equal(found['inputs'], inputs) and inputs.shape[2:] == (64, 64)
    _, labels = model.class_mean_samples(model.teachers['teacher'], found)
    assert labels.tolist() == labelled_by_hand(samples, (8, 8))[1].tolist()


def test_one_score_for_two_classes_is_compared_as_a_yes_or_no(rng):
    head = dict(out_channels=1, threshold=0.5, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
    model = distiller(tiny(classes=2, **head), teacher_of(tiny(width=16, classes=2, **head)), dict(
        KD, dist=dict(type='mmkd_ext.DISTLoss')), seed=3).train()  # fmt: skip
    inputs, samples = read(model, batch(rng, classes=2))
    seen = copy.deepcopy(model).reader.train(inputs, copy.deepcopy(samples), None)
    theirs = model.teachers['teacher'](inputs, samples, seen.places)
    assert model.num_classes == 2 and seen.outputs.logits.shape[1] == 2 and seen.outputs.scores is None
    expected = 1.5 * naive_binary_kd(seen.outputs.logits[:, 1:].double(), theirs.logits[:, 1:].double(), 2.0).item()
    terms = model(inputs, samples, mode='loss')
    assert float(terms['loss_kd'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_a_sigmoid_for_each_class_is_told_by_the_head_s_loss(rng):
    head = dict(loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
    model = distiller(tiny(**head), teacher_of(tiny(width=16, **head)), KD).train()
    inputs, samples = read(model, batch(rng))
    seen = copy.deepcopy(model).reader.train(inputs, copy.deepcopy(samples), None)
    theirs = model.teachers['teacher'](inputs, samples, seen.places)
    expected = 1.5 * naive_binary_kd(seen.outputs.logits.double(), theirs.logits.double(), 2.0).item()
    assert float(model(inputs, samples, mode='loss')['loss_kd'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-7)
    with pytest.raises(ValueError, match='compares one softmax'):
        distiller(tiny(**head), teacher_of(tiny(**head)), dict(dist=dict(type='mmkd_ext.DISTLoss')))


def test_bfloat16_on_a_cpu_gives_finite_terms_near_those_of_float32(rng):
    from mmkd_ext.optim.cpu_amp import cpu_autocast

    model = pair().train()
    inputs, samples = read(model, batch(rng))
    exact = copy.deepcopy(model)(inputs, copy.deepcopy(samples), mode='loss')
    with cpu_autocast(model):
        terms = model(inputs, samples, mode='loss')
    total, _ = model.parse_losses(terms)
    total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    for name in ('loss_kd', 'loss_cwd', 'loss_logits', 'decode.loss_ce'):
        assert float(terms[name].detach()) == pytest.approx(float(exact[name].detach()), rel=0.1)


def masks(model, rng):
    return read(model, batch(rng))


def test_two_processes_have_their_own_losses_and_the_mean_of_both_gradients():
    check_own_losses_and_mean_gradients(pair, masks)


def test_segmentors_train_together_each_at_its_own_pixels_and_join_their_probabilities(rng):
    cfg = dict(
        type='mmkd_ext.MutualLearningDistiller', students=dict(a=tiny(), b=tiny('segformer')), teacher=tiny(width=16),
        losses=dict(kd=LOSSES['kd'], ml=dict(type='mmkd_ext.MutualLearningLoss')))
    model = segmentation.build(cfg).train()
    terms = model(*read(model, batch(rng)), mode='loss')
    assert {'loss_kd_a', 'loss_kd_b', 'loss_ml_a', 'loss_ml_b', 'a_decode.loss_ce', 'teacher_decode.loss_ce'} <= set(terms)
    (terms['loss_kd_a'] + terms['loss_ml_a']).backward(retain_graph=True)
    touched = {name.split('.')[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched == {'a'}
    data = read(model, batch(rng, sizes=((64, 64), (64, 64))), False)
    with torch.no_grad():
        found = model.eval()(*data, mode='predict')
        alone = [model.networks[name].predict(data[0], copy.deepcopy(data[1])) for name in ('a', 'b')]
    for n, sample in enumerate(found):
        expected = sum(each[n].seg_logits.data.softmax(dim=0) for each in alone) / 2
        torch.testing.assert_close(sample.seg_logits.data, expected)
        assert torch.equal(sample.pred_sem_seg.data[0], expected.argmax(dim=0)) and set(sample.networks) >= {'a', 'b'}


def test_a_backbone_s_own_weights_give_way_to_those_of_the_whole_and_are_not_fetched_for_a_frozen_network():
    stock = get_config(ZOO['psp']).model
    assert stock.pretrained == 'open-mmlab://resnet18_v1c' and 'pretrained' not in without_weights(stock)
    plain = network_config(dict(model=ZOO['psp'], pretrained=True))
    start = plain.backbone.init_cfg
    assert 'pretrained' not in plain and start.prefix == 'backbone' and start.checkpoint.endswith('.pth')
    assert network_config(ZOO['psp']).pretrained == stock.pretrained


def test_the_kind_is_known_by_config_network_and_distiller():
    assert kind_of_config(tiny()) is kind_of_config(tiny('ocr')) is kind_of(build(tiny())) is kind_of(pair(losses={})) is Segmentor


def test_the_number_of_classes_is_set_in_every_head():
    from mmengine.config import ConfigDict

    for kind in ZOO:
        plain = ConfigDict(tiny(kind))
        assert Segmentor.set_classes(plain, 7) and "'num_classes': 3" not in str(plain)
        assert str(plain).count("'num_classes': 7") == (1 if kind == 'segformer' else 2)


CLASSIFIER = dict(type='mmpretrain.ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(
    type='mmpretrain.GlobalAveragePooling'), head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=64))  # fmt: skip
POINTS = 'mmseg::point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024.py'


@pytest.mark.parametrize(('student', 'teacher', 'text'), [
    (tiny, lambda: CLASSIFIER, 'as teacher ImageClassifier, got ImageClassifier, which has no decode_head. Use .mmseg::psp'),
    (lambda: CLASSIFIER, tiny, 'compared with classifiers, got EncoderDecoder, a segmentor, as teacher EncoderDecoder'),
    (tiny, lambda: tiny(classes=5), 'student has 3 classes and the teacher EncoderDecoder has 5, but losses.kd compares'),
    (lambda: POINTS, tiny, 'as student, got CascadeEncoderDecoder with a PointHead, which has no conv_seg'),
], ids=['classifier', 'of a classifier', 'classes', 'no conv_seg'])  # fmt: skip
def test_what_does_not_fit_is_told_in_one_sentence(student, teacher, text):
    with pytest.raises(ValueError, match=text):
        distiller(student(), teacher_of(teacher()), KD)


@pytest.mark.det
@pytest.mark.parametrize(('student', 'teacher', 'text'), [
    (tiny, two_stage, 'segmentor of mmseg as teacher FasterRCNN, got FasterRCNN, which has no decode_head'),
    (two_stage, tiny, 'as teacher EncoderDecoder, got EncoderDecoder')])
def test_a_detector_and_a_segmentor_do_not_teach_each_other(student, teacher, text):
    with pytest.raises(ValueError, match=text):
        distiller(student(), teacher_of(teacher()), KD)


def test_other_classes_are_refused_where_logits_are_compared_as_maps_too():
    with pytest.raises(ValueError, match='has 5, but losses.logits compares their logits'):
        distiller(tiny(), teacher_of(tiny(classes=5)), dict(logits=LOSSES['logits']))
    distiller(tiny(), teacher_of(tiny(classes=5)), dict(cwd=LOSSES['cwd']))


def test_options_that_are_for_classifiers_are_refused_by_its_name():
    for options, text in (
        (dict(compile=True), 'that is a segmentor runs without torch.compile'),
        (dict(classes=[0, 1, 2]), 'that is a segmentor needs the classes of its student in their order')):
        with pytest.raises(ValueError, match=text):
            distiller(tiny(), teacher_of(tiny(), **options), KD)
    ensemble = dict(type='mmkd_ext.TeacherEnsemble', teachers=[teacher_of(tiny())] * 2)
    with pytest.raises(ValueError, match='joins classifiers, got a segmentor'):
        distiller(tiny(), ensemble, KD)
    with pytest.raises(ValueError, match='with_embedding=False in segmentation'):
        distiller(tiny(), teacher_of(tiny()), dict(review=dict(type='mmkd_ext.ReviewKDLoss')))


def test_a_label_that_is_no_class_stops_before_the_step(rng):
    model = pair(losses=KD)
    with pytest.raises(ValueError, match=r'Labels of pixels in 0\.\.2, or 255 .* got 3 in 0_labels.png'):
        model.data_preprocessor(batch(rng, classes=5), True)
