"""Query detectors small enough for a test."""

import torch
from mmengine.registry import DefaultScope
from support.detection import CLASSES, raw, teacher_of, zoo_model

from mmkd_ext.registry import MODELS

ZOO = dict(
    detr='mmdet::detr/detr_r50_8xb2-150e_coco.py', conditional='mmdet::conditional_detr/conditional-detr_r50_8xb2-50e_coco.py',
    dab='mmdet::dab_detr/dab-detr_r50_8xb2-50e_coco.py', deformable='mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
    two_stage='mmdet::deformable_detr/deformable-detr-refine-twostage_r50_16xb2-50e_coco.py',
    dino='mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py')
THREE = ('detr', 'deformable', 'dino')  # a softmax; sigmoids; queries for denoising
BOXES = [[[4, 6, 30, 34], [20, 10, 44, 50], [10, 30, 62, 60]], [[20, 10, 44, 50]]]
SIZES = ((64, 64), (64, 48))

LOSSES = dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.5), nd=dict(type='mmkd_ext.NDLoss', dropout=0.0), pkd=dict(
    type='mmkd_ext.PKDLoss', loss_weight=0.5))  # fmt: skip


def tiny(kind='deformable', embed=32, queries=10, classes=CLASSES, layers=2):
    """The zoo's config with a narrow ResNet-18, two layers of the encoder and the decoder, and few queries."""
    model = zoo_model(ZOO[kind])
    model.num_queries = queries
    model.backbone.update(
        depth=18, base_channels=8, stem_channels=8, init_cfg=None, frozen_stages=-1, norm_eval=False, norm_cfg=dict(type='BN'))
    model.neck.update(in_channels=[8 * 2**i for i in model.backbone.out_indices], out_channels=embed)
    if model.neck.get('norm_cfg'):
        model.neck.norm_cfg.update(num_groups=4)
    for part in (model.encoder, model.decoder):
        part.update(num_layers=layers)
        for attention in ('self_attn_cfg', 'cross_attn_cfg'):
            if attention in part.layer_cfg:
                part.layer_cfg[attention].update(embed_dims=embed, num_heads=4)
        part.layer_cfg.ffn_cfg.update(embed_dims=embed, feedforward_channels=2 * embed)
    model.positional_encoding.update(num_feats=embed // 2)
    model.bbox_head.update(num_classes=classes, embed_dims=embed)
    if 'dn_cfg' in model:
        model.dn_cfg.group_cfg.update(num_dn_queries=10)
    model.test_cfg.update(max_per_img=queries)
    return model.to_dict()


def distiller(student, teacher, losses, seed=0, **kwargs):
    """A plain `OfflineDistiller`, whose ND losses have no class means yet."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(dict(
            type='mmkd_ext.OfflineDistiller', student=student, teacher=teacher, losses=losses, **kwargs))  # fmt: skip
    for network in (model.student, model.teachers['teacher'].network):
        network.init_weights()  # as a run does; mmdet leaves some of them as they lie in memory
    return model


def with_means(model):
    """The same, its ND losses with class means."""
    for loss in model.distill.values():
        if hasattr(loss, 'set_class_means'):
            loss.set_class_means(torch.rand(CLASSES, loss.widths[1], generator=torch.Generator().manual_seed(7)) + 0.1)
    return model


def pair(kind='deformable', losses=LOSSES, teacher=None, **kwargs):
    """A distiller of a wider teacher with more queries, of the same architecture or another; weights that are no longer near zero."""
    model = with_means(distiller(tiny(kind), teacher_of(tiny(teacher or kind, 64, 12)), losses, input_size=64, **kwargs))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for network in (model.student, model.teachers['teacher'].network):
            for parameter in network.parameters():
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return model


def batch(rng, boxes=BOXES):
    """Two images with boxes, or with the given ones."""
    return raw(rng, SIZES, boxes)
