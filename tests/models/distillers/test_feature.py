"""FeatureDistiller: labels play no part, the teacher sees what it was trained on, and the backbone goes into any zoo model."""

import copy

import pytest
import timm
import torch
from mmengine.config import Config
from mmpretrain.structures import DataSample
from safetensors.torch import save_file
from torch import nn

from mmkd_ext import losses as package
from mmkd_ext.export.export_student import export_student
from mmkd_ext.losses import DistillationLoss
from mmkd_ext.models.outputs.features import features_of
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

STUDENT = dict(type='mmkd_ext.CIFARResNet', depth=8)
TEACHER = dict(model='timm/test_vit', options=dict(img_size=32, patch_size=8), checkpoint=None, allow_random=True)
LOSSES = dict(token=dict(type='mmkd_ext.EmbeddingLoss'), patches=dict(type='mmkd_ext.MapLoss'))
NORMAL = dict(mean=[110.0, 120.0, 130.0], std=[50.0, 60.0, 70.0], to_rgb=False)


def config(**options):
    base = dict(
        type='mmkd_ext.FeatureDistiller', student=STUDENT, teacher=TEACHER, losses=LOSSES, channel_order='rgb', data_preprocessor=NORMAL)
    return copy.deepcopy(base | options)


def distiller(**options):
    torch.manual_seed(0)
    return MODELS.build(config(**options))


def batch(rng, labels=None):
    samples = [DataSample() for _ in range(4)]
    for sample, label in zip(samples, labels or [], strict=bool(labels)):
        sample.set_gt_label(label)
    return torch.randn(4, 3, 32, 32, generator=rng), samples


def losses_of(model, inputs, samples):
    return {key: value for key, value in model(inputs, samples, mode='loss').items() if 'loss' in key}


@pytest.mark.parametrize('teacher', [
    TEACHER, dict(TEACHER, num_classes=0), dict(model='cifar/resnet20', checkpoint=None, allow_random=True),
    dict(model='torchvision/resnet18', checkpoint=None, allow_random=True, input_size=64),
    dict(model=dict(type='mmpretrain.ResNet', depth=18), checkpoint=None, allow_random=True, input_size=64)], ids=str)
def test_the_terms_are_the_losses_of_both_networks_features_and_no_label_is_read(rng, teacher):
    model = distiller(teacher=teacher)
    inputs, samples = batch(rng)
    model.eval()  # BatchNorms of a batch would make the two passes differ in what they leave behind
    found = losses_of(model, inputs, samples)
    assert set(found) == {'loss_token', 'loss_patches'}
    student, said = features_of(model.student, inputs), model.teachers['teacher'](inputs)
    for name, loss in model.distill.items():
        torch.testing.assert_close(found[f'loss_{name}'], loss(student, said), rtol=0, atol=0)
    for labels in ([0, 1, 2, 3], [3, 3, 0, 1]):
        other = losses_of(model, inputs, batch(rng, labels)[1])
        assert all(torch.equal(other[key], value) for key, value in found.items())
    sum(found.values()).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_what_the_teacher_is_given_is_its_own_normalisation_at_its_own_size(rng):
    teacher = dict(model='timm/test_vit', checkpoint=None, allow_random=True)
    model = distiller(teacher=teacher)
    frozen = model.teachers['teacher']
    assert frozen.input_size == 160  # of timm's weights
    inputs, _ = batch(rng)
    cfg = frozen.network.model.pretrained_cfg
    mean, std = (torch.tensor(cfg[key])[:, None, None] for key in ('mean', 'std'))
    pixels = inputs * torch.tensor(NORMAL['std'])[:, None, None] + torch.tensor(NORMAL['mean'])[:, None, None]
    own = nn.functional.interpolate((pixels / 255 - mean) / std, (160, 160), mode='bilinear', antialias=True)
    torch.testing.assert_close(frozen(inputs).embedding, frozen.network.model.forward_head(
        frozen.network.model.forward_features(own), pre_logits=True), rtol=1e-3, atol=1e-4)
    smaller = distiller(teacher=dict(teacher, options=dict(dynamic_img_size=True), input_size=96)).teachers['teacher']
    assert smaller(inputs).stages[0].shape == (4, 64, 6, 6)


def test_half_precision_and_a_file_without_a_head(rng, tmp_path):
    torch.manual_seed(1)
    network = timm.create_model('test_vit', num_classes=0, img_size=32, patch_size=8)
    save_file(network.state_dict(), tmp_path / 'model.safetensors')
    teacher = dict(TEACHER, checkpoint=str(tmp_path / 'model.safetensors'), num_classes=0)
    exact, half = (distiller(teacher=dict(teacher, **more)).teachers['teacher'] for more in ({}, dict(precision='bf16')))
    inputs, _ = batch(rng)
    said, rough = exact(inputs), half(inputs)
    torch.testing.assert_close(said.embedding, network.eval()(exact.as_its_own(inputs)), rtol=0, atol=0)
    assert not torch.equal(rough.embedding.float(), said.embedding)
    torch.testing.assert_close(rough.embedding.float(), said.embedding, rtol=0.1, atol=0.1)
    with pytest.raises(ValueError, match='needs to fit the teacher timm/test_vit wholly.*first missing: head'):
        distiller(teacher=dict(teacher, num_classes=10))


def test_a_compiled_teacher_says_the_same(rng):
    with torch.compiler.set_stance('force_eager'):
        compiled = distiller(teacher=dict(TEACHER, compile=True))
        inputs, _ = batch(rng)
        frozen = compiled.teachers['teacher']
        torch.testing.assert_close(frozen(inputs).embedding, features_of(frozen.network, frozen.as_its_own(inputs)).embedding)
        assert not frozen.runs_eagerly


def test_predictions_are_embeddings_of_the_student_and_of_the_teacher(rng):
    model = distiller().eval()
    inputs, samples = batch(rng, [0, 1, 2, 3])
    predicted = model(inputs, samples, mode='predict')
    torch.testing.assert_close(torch.stack([x.embedding for x in predicted]), features_of(model.student, inputs).embedding)
    assert [int(x.gt_label) for x in predicted] == [0, 1, 2, 3]
    said = model.teachers['teacher'].predict(inputs, [DataSample() for _ in range(4)])
    assert said[0].embedding.shape == (64,)


def exported(model, tmp_path, **options):
    """The exported file of a distiller's checkpoint, which has helpers and no teacher."""
    assert not any('teacher' in key for key in model.state_dict())
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'epoch_1.pth')
    cfg = Config(dict(model=config(**options), default_scope='mmpretrain'))
    export_student(cfg, tmp_path / 'epoch_1.pth', tmp_path / 'backbone.pth', size=32)
    return str(tmp_path / 'backbone.pth')


def load(cfg, scope):
    """A zoo model after mmengine's initialisation."""
    from mmengine.registry import DefaultScope
    with DefaultScope.overwrite_default_scope(scope):
        network = MODELS.build(cfg)
        network.init_weights()
    return network.eval()


def same_features(model, network, inputs):
    mine, theirs = model.eval().student.backbone, network.backbone
    assert mine.state_dict().keys() == theirs.state_dict().keys()
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in mine.state_dict().items())
    assert all(torch.equal(a, b) for a, b in zip(mine(inputs)[-1:], theirs(inputs)[-1:], strict=True))


@pytest.mark.parametrize('student', [
    STUDENT, 'timm/test_resnet', 'torchvision/resnet18', dict(type='mmpretrain.ResNet', depth=18)], ids=str)
def test_the_exported_backbone_goes_into_a_classifier_to_the_last_bit(rng, student, tmp_path):
    options = dict(student=student, losses=dict(token=LOSSES['token']))
    model = distiller(**options)
    for p in model.parameters():  # not the weights that a seed gives
        p.data.add_(0.01 * torch.randn(p.shape, generator=rng))
    file = exported(model, tmp_path, **options)
    backbone = plain_model(config(**options)).backbone
    backbone.init_cfg = dict(type='Pretrained', checkpoint=file, prefix='backbone.')
    width = model.eval().reader.look(batch(rng)[0]).embedding.shape[1]
    head = dict(type='LinearClsHead', num_classes=3, in_channels=width)
    neck = dict(type='GlobalAveragePooling')
    network = load(dict(type='mmpretrain.ImageClassifier', backbone=backbone, neck=neck, head=head), 'mmpretrain')
    same_features(model, network, batch(rng)[0])


@pytest.mark.det
def test_the_exported_backbone_goes_into_a_detector_to_the_last_bit(rng, tmp_path):
    from mmengine.hub import get_config

    options = dict(student=dict(type='mmdet.ResNet', depth=18), losses=dict(token=LOSSES['token']))
    model = distiller(**options)
    for p in model.parameters():
        p.data.add_(0.01 * torch.randn(p.shape, generator=rng))
    cfg = get_config('mmdet::retinanet/retinanet_r18_fpn_1x_coco.py').model
    cfg.backbone.init_cfg = dict(type='Pretrained', checkpoint=exported(model, tmp_path, **options), prefix='backbone.')
    network = load(cfg, 'mmdet')
    same_features(model, network, batch(rng)[0])


@pytest.mark.parametrize('name', [
    name for name in package.__all__ if isinstance(cls := getattr(package, name), type) and issubclass(cls, DistillationLoss)
    and MODELS.get(f'mmkd_ext.{name}') is not None])
def test_every_loss_trains_or_is_refused_in_one_sentence(rng, name):
    """By what it reads: features it may, logits and class means it may not."""
    cfg = dict(type=f'mmkd_ext.{name}')
    loss = MODELS.build(cfg)
    if loss.among_peers or loss.needs_class_means or any(map(loss.reads, ('logits', 'edges', 'tower'))):
        with pytest.raises(ValueError, match=r'losses\.x \(\w+\) (compares|follows)'):
            distiller(losses=dict(x=cfg))
    else:
        assert losses_of(distiller(losses=dict(x=cfg)), *batch(rng))['loss_x'].isfinite()


@pytest.mark.parametrize(('options', 'word'), [
    (dict(teacher=dict(TEACHER, input_size=30)), r'The teacher timm/test_vit needs images of a size that it takes, got 30 x 30 pixels'),
    (dict(teacher=dict(TEACHER, classes=[0, 1])), 'has no classes to map, got classes'),
    (dict(teacher=dict(type='mmkd_ext.TeacherEnsemble', teachers=[TEACHER])), 'A TeacherEnsemble joins logits'),
    (dict(student=dict(model='cifar/resnet8', num_classes=5)), 'A student without a head has no classes, got num_classes=5'),
    (dict(student=7), "FeatureDistiller needs student='name' or a dict, got 7"),
    (dict(student=dict(type='mmpretrain.VisionTransformer', arch='deit-tiny', img_size=32, patch_size=8)),
     r"compares maps \(N, C, H, W\), got only vectors \(2, 192\) of the student at 32 x 32 pixels.*out_type='featmap'"),
    (dict(student=dict(type='mmpretrain.ResNet', depth=18), input_size=32), 'got a map of one place of the student at 32 x 32 pixels'),
    (dict(student='timm/test_vit', input_size=30),
     'The student needs images of a size that it takes, got 30 x 30 pixels'),
], ids=str)
def test_what_cannot_be_compared_is_one_sentence(options, word):
    with pytest.raises(ValueError, match=word):
        distiller(**options)


def test_a_copy_shares_the_teacher_and_the_plain_model_is_the_backbone(rng):
    model = distiller()
    copied = copy.deepcopy(model)
    assert copied.teachers['teacher'] is model.teachers['teacher'] and copied.student is not model.student
    plain = MODELS.build(plain_model(config()))
    keys = {key for key in model.state_dict() if not key.startswith('distill.')}
    assert set(plain.state_dict()) == keys and all(key.startswith('backbone.') for key in keys)
    with pytest.raises(NotImplementedError, match='train it as the student of an mmkd_ext.FeatureDistiller'):
        plain(*batch(rng), mode='loss')
