"""Segmentors small enough for a test, and batches for them; a test module that uses them is skipped without mmseg."""

import copy

import torch
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from support.detection import teacher_of

from mmkd_ext.registry import MODELS

CLASSES = 3
IGNORED = 255
ZOO = dict(
    psp='mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py', ocr='mmseg::ocrnet/ocrnet_r101-d8_4xb2-40k_cityscapes-512x1024.py',
    segformer='mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py')
SIZES = ((64, 64), (64, 48))

LOSSES = dict(
    kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.5), nd=dict(type='mmkd_ext.NDLoss', dropout=0.0),
    cwd=dict(type='mmkd_ext.CWDLoss', tau=4.0, loss_weight=0.5),
    logits=dict(type='mmkd_ext.CWDLoss', of='logits', tau=4.0, loss_weight=3.0))


def tiny(kind='psp', width=8, channels=16, classes=CLASSES, dropout=0.0, preprocessor=None, **head):
    """The zoo's config with a narrow backbone and head, one norm for one process, and no weights to fetch."""
    model = copy.deepcopy(get_config(ZOO[kind]).model).to_dict()
    model.pop('pretrained', None)
    model['data_preprocessor'].update(size=(64, 64), **(preprocessor or {}))
    norm = dict(type='BN', requires_grad=True)
    if kind == 'segformer':
        model['backbone'].update(embed_dims=width, num_layers=[1] * 4, num_heads=[1] * 4, drop_path_rate=0.0, init_cfg=None)
        heads = [model['decode_head']]
        heads[0].update(in_channels=[width] * 4)
    else:
        model['backbone'].update(depth=18, base_channels=width, stem_channels=width, norm_cfg=norm, init_cfg=None)
        heads = model['decode_head'] if kind == 'ocr' else [model['decode_head'], model['auxiliary_head']]
        for each in heads:
            each['in_channels'] = width * (8 if each['in_index'] == 3 else 4)
    for each in heads:
        each.update(channels=channels, num_classes=classes, norm_cfg=norm, dropout_ratio=dropout, **head)
    if kind == 'ocr':
        heads[1].update(ocr_channels=channels)
    return model


def build(model, seed=0):
    """The stock segmentor."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(ConfigDict(copy.deepcopy(model)))


def distiller(student, teacher, losses, seed=0, **kwargs):
    """An `OfflineDistiller`, whose ND losses have no class means yet."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(dict(type='mmkd_ext.OfflineDistiller', student=student, teacher=teacher, losses=losses, **kwargs))


def with_means(model, classes=CLASSES):
    """The same, its ND losses with class means."""
    for loss in model.distill.values():
        if hasattr(loss, 'set_class_means'):
            loss.set_class_means(torch.rand(classes, loss.widths[1], generator=torch.Generator().manual_seed(7)) + 0.1)
    return model


def pair(kind='psp', losses=LOSSES, teacher=None, options=None, **kwargs):
    """A distiller of a wider teacher, of the same architecture or another; the weights of its heads are no longer near zero."""
    model = with_means(distiller(tiny(kind), teacher_of(tiny(teacher or kind, 16, 24, **(options or {}))), losses, **kwargs))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for network in (model.student, model.teachers['teacher'].network):
            for parameter in network.decode_head.parameters():
                parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model


def batch(rng, classes=CLASSES, ignored=IGNORED, sizes=SIZES):
    """Images of two sizes as a loader gives them; label maps in blocks of 4 x 4, some of them ignored."""
    from mmseg.structures import SegDataSample

    images, samples = [], []
    for i, (height, width) in enumerate(sizes):
        images.append(torch.randint(256, (3, height, width), generator=rng, dtype=torch.uint8))
        blocks = torch.randint(-1, classes, (height // 4, width // 4), generator=rng)
        labels = blocks.repeat_interleave(4, 0).repeat_interleave(4, 1)
        labels[labels < 0] = ignored
        shape = (height, width)
        samples.append(SegDataSample(
            gt_sem_seg=PixelData(data=labels[None]), metainfo=dict(
                img_shape=shape, ori_shape=shape, pad_shape=shape, img_path=f'{i}.png', seg_map_path=f'{i}_labels.png')))
    return dict(inputs=images, data_samples=samples)


def read(model, data, training=True):
    """Images and samples as the model takes them."""
    prepared = model.data_preprocessor(copy.deepcopy(data), training)
    return prepared['inputs'], prepared['data_samples']
