"""The detectors of mmdet's zoo that have a head of boxes and no regions: a config of each family, and what is known of its head.

python -m support.detector_zoo, from the repository's root with PYTHONPATH=.:tests, writes the table of configs/README.md.
"""

import copy
from pathlib import Path

from mmengine.config import Config, ConfigDict
from support.detection import CLASSES
from support.runs import REPO

from mmkd_ext.evaluation.readme_markers import write_between_markers

# head -> a config of every family that has it
_CONFIGS = """
    ATSSHead atss/atss_r50_fpn_1x_coco dyhead/atss_r50_fpn_dyhead_1x_coco
    AutoAssignHead autoassign/autoassign_r50-caffe_fpn_1x_coco
    BoxInstBboxHead boxinst/boxinst_r50_fpn_ms-90k_coco
    CenterNetHead centernet/centernet_r18_8xb16-crop512-140e_coco
    CenterNetUpdateHead centernet/centernet-update_r50-caffe_fpn_ms-1x_coco
    CentripetalHead centripetalnet/centripetalnet_hourglass104_16xb6-crop511-210e-mstest_coco
    CondInstBboxHead condinst/condinst_r50_fpn_ms-poly-90k_coco_instance
    ConditionalDETRHead conditional_detr/conditional-detr_r50_8xb2-50e_coco
    CornerHead cornernet/cornernet_hourglass104_8xb6-210e-mstest_coco
    DABDETRHead dab_detr/dab-detr_r50_8xb2-50e_coco
    DDODHead ddod/ddod_r50_fpn_1x_coco
    DDQDETRHead ddq/ddq-detr-4scale_r50_8xb2-12e_coco
    DETRHead detr/detr_r50_8xb2-150e_coco
    DINOHead dino/dino-4scale_r50_8xb2-12e_coco v3det/dino-4scale_r50_8xb2_sample1e-3_v3det_36e
    DeformableDETRHead deformable_detr/deformable-detr_r50_16xb2-50e_coco
        v3det/deformable-detr-refine-twostage_r50_8xb4_sample1e-3_v3det_50e
    FCOSHead fcos/fcos_r50-caffe_fpn_gn-head_1x_coco hrnet/fcos_hrnetv2p-w18-gn-head_4xb4-1x_coco
        nas_fcos/nas-fcos_r50-caffe_fpn_fcoshead-gn-head_4xb4-1x_coco v3det/fcos_r50_fpn_8x4_sample1e-3_mstrain_v3det_2x
    FSAFHead fsaf/fsaf_r50_fpn_1x_coco
    FoveaHead foveabox/fovea_r50_fpn_4xb4-1x_coco
    FreeAnchorRetinaHead free_anchor/freeanchor_r50_fpn_1x_coco
    GARetinaHead guided_anchoring/ga-retinanet_r50-caffe_fpn_1x_coco
    GFLHead gfl/gfl_r50_fpn_1x_coco
    LADHead lad/lad_r50-paa-r101_fpn_2xb8_coco_1x
    NASFCOSHead nas_fcos/nas-fcos_r50-caffe_fpn_nashead-gn-head_4xb4-1x_coco
    PAAHead paa/paa_r50_fpn_1x_coco
    PISARetinaHead pisa/retinanet-r50_fpn_pisa_1x_coco
    PISASSDHead pisa/ssd300_pisa_coco
    RTMDetInsSepBNHead rtmdet/rtmdet-ins_tiny_8xb32-300e_coco
    RTMDetSepBNHead rtmdet/rtmdet_tiny_8xb32-300e_coco
    RepPointsHead reppoints/reppoints-moment_r50_fpn_1x_coco
    RetinaHead ghm/retinanet_r50_fpn_ghm-1x_coco legacy_1.x/retinanet_r50_fpn_1x_coco_v1
        libra_rcnn/libra-retinanet_r50_fpn_1x_coco objects365/retinanet_r50_fpn_1x_objects365v1
        openimages/retinanet_r50_fpn_32xb2-1x_openimages pascal_voc/retinanet_r50_fpn_1x_voc0712 pvt/retinanet_pvt-t_fpn_1x_coco
        regnet/retinanet_regnetx-800MF_fpn_1x_coco resnet_strikes_back/retinanet_r50-rsb-pre_fpn_1x_coco
        retinanet/retinanet_r18_fpn_1x_coco swin/retinanet_swin-t-p4-w7_fpn_1x_coco
        timm_example/retinanet_timm-tv-resnet50_fpn_1x_coco wider_face/retinanet_r50_fpn_1x_widerface
    RetinaSepBNHead efficientnet/retinanet_effb3_fpn_8xb4-crop896-1x_coco fpg/retinanet_r50_fpg-chn128_crop640_50e_coco
        nas_fpn/retinanet_r50_nasfpn_crop640-50e_coco
    SABLRetinaHead sabl/sabl-retinanet_r50_fpn_1x_coco
    SSDHead legacy_1.x/ssd300_coco_v1 openimages/ssd300_32xb8-36e_openimages pascal_voc/ssd300_voc0712 ssd/ssd300_coco
        wider_face/ssd300_8xb32-24e_widerface
    TOODHead tood/tood_r50_fpn_1x_coco
    VFNetHead vfnet/vfnet_r50_fpn_1x_coco
    YOLACTHead yolact/yolact_r50_1xb8-55e_coco
    YOLOFHead yolof/yolof_r50-c5_8xb8-1x_coco
    YOLOV3Head yolo/yolov3_mobilenetv2_8xb24-320-300e_coco
    YOLOXHead yolox/yolox_tiny_8xb8-300e_coco bytetrack/yolox_x_8xb4-amp-80e_crowdhuman-mot17halftrain_test-mot17halfval
        strongsort/yolox_x_8xb4-80e_crowdhuman-mot17halftrain_test-mot17halfval
""".split()
WALK: dict[str, list[str]] = {}
for word in _CONFIGS:
    if '/' in word:
        WALK[[*WALK][-1]].append(word)
    else:
        WALK[word] = []

_TOWER, _ASKED = 'has no classification tower that ends in a convolution', 'has no get_targets or no priors'
_LABELS = 'needs a head whose get_targets gives, once a step, the labels of all priors of each map'
REFUSED = {  # head -> what the sentence says that refuses it
    'AutoAssignHead': _LABELS, 'CenterNetUpdateHead': _LABELS, 'FreeAnchorRetinaHead': _LABELS, 'LADHead': _LABELS,
    'CenterNetHead': _TOWER, 'CentripetalHead': _TOWER, 'CornerHead': _TOWER, 'PISASSDHead': _TOWER, 'RepPointsHead': _TOWER,
    'SSDHead': _TOWER, 'YOLOFHead': _TOWER, 'YOLOV3Head': _TOWER, 'GARetinaHead': _ASKED, 'SABLRetinaHead': _ASKED,
    'TOODHead': 'needs a head whose class scores are those of its last convolution', 'YOLACTHead': 'has scores that are no sigmoids',
    
    'DDQDETRHead': 'needs a head that gives scores and boxes of each decoder layer and matches those of the last one by its assigner',
}  # fmt: skip

# families that are not built here, with the reason
UNBUILT = {
    'glip': 'a language model', 'grounding_dino': 'a language model', 'mm_grounding_dino': 'a language model',
    'ld': "mmdet's own distiller of a GFL", 'misc': "its RetinaNet is detectron2's", 'ocsort': 'a tracker, whose detector is a YOLOX',
}  # fmt: skip

# networks of mmdet that are of no kind, with what refuses them
OTHERS = {
    'solo/solo_r50_fpn_1x_coco': 'got SOLO, which has no bbox_head', 'solov2/solov2-light_r18_fpn_ms-3x_coco': 'got SOLOv2, which has',
    'maskformer/maskformer_r50_ms-16xb1-75e_coco': 'got MaskFormer, which',
    'mask2former/mask2former_r50_8xb2-lsj-50e_coco': 'got Mask2Former, which has no bbox_head',
    'queryinst/queryinst_r50_fpn_1x_coco': 'got QueryInst, which has',
    'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco': 'got SparseRCNN, which has',
}  # fmt: skip

# what else is to be said of a head that works
NOTES = {
    'FSAFHead': 'at the positives of all maps, of which its own losses choose one map for each box',
    'PAAHead': 'at the candidates, of which its own losses keep the better ones',
    'YOLOXHead': 'by its class scores; what it says of objectness is not compared'}  # fmt: skip

# what the default run of the tests covers
REPRESENTATIVE = {
    'condinst/condinst_r50_fpn_ms-poly-90k_coco_instance', 'foveabox/fovea_r50_fpn_4xb4-1x_coco', 'fsaf/fsaf_r50_fpn_1x_coco',
    'detr/detr_r50_8xb2-150e_coco', 'yolox/yolox_tiny_8xb8-300e_coco', 'ssd/ssd300_coco', 'paa/paa_r50_fpn_1x_coco',
    'tood/tood_r50_fpn_1x_coco', 'yolact/yolact_r50_1xb8-55e_coco'}  # fmt: skip

SIDES = {'ddod/ddod_r50_fpn_1x_coco': 384}  # of images, where its deformable convolutions take no map of less than three cells a side
MASKS = ('boxinst', 'condinst', 'rtmdet-ins', 'yolact')


def family(config: str) -> str:
    return config.partition('/')[0]


def folder() -> Path:
    """Where the configs of mmdet lie."""
    import mmdet

    return Path(mmdet.__file__).parent / '.mim/configs'


def narrow(config: str) -> ConfigDict:
    """The model of a config of mmdet, narrowed."""
    model = Config.fromfile(folder() / f'{config}.py').model  # not by the hub, which knows no folder with a point
    return narrowed(model.get('detector', model))


def narrowed(model: ConfigDict) -> ConfigDict:
    """A model with three classes; a ResNet or Swin an eighth as wide, few queries, and nothing that is downloaded."""
    model = copy.deepcopy(model)
    _without_weights(model)
    backbone, necks = model.backbone, model.get('neck') or []
    for head in ('bbox_head', 'teacher_bbox_head'):
        if head in model:
            model[head].num_classes = CLASSES
    if backbone.type in ('ResNet', 'SwinTransformer'):
        backbone.update(dict(base_channels=8, stem_channels=8) if backbone.type == 'ResNet' else dict(embed_dims=backbone.embed_dims // 8))
        for first in necks[:1] if isinstance(necks, list) else [necks]:
            wide = first.in_channels
            first.in_channels = [x // 8 for x in wide] if isinstance(wide, list | tuple) else wide // 8
    if backbone.type == 'EfficientNet':
        backbone.arch, model.neck.in_channels = 'b0', [40, 112, 320]
    if 'frozen_stages' in backbone:
        backbone.frozen_stages = 0 if backbone.type == 'EfficientNet' else -1
    if 'num_queries' in model:
        model.num_queries = 40
    model.pop('teacher_ckpt', None)
    return model


def _without_weights(node: object) -> None:
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ():
        _without_weights(each)
    if isinstance(node, dict):
        if 'checkpoint' in (node.get('init_cfg') or {}):
            node['init_cfg'] = None
        if node.get('pretrained'):
            node['pretrained'] = False
        if node.get('type') == 'SyncBN':
            node['type'] = 'BN'


def table() -> str:
    """Markdown: each head, its families, and whether a step of KD and PKD is trained."""
    rows = ['| head | families | works |', '|---|---|---|']
    for head, configs in WALK.items():
        said = f'no: {REFUSED[head]}' if head in REFUSED else f'yes: {NOTES[head]}' if head in NOTES else 'yes'
        rows.append(f'| `{head}` | {", ".join(family(x) for x in configs)} | {said} |')
    rows += [f'| | {name} | not tried: {reason} |' for name, reason in UNBUILT.items()]
    return '\n'.join(rows)


if __name__ == '__main__':
    write_between_markers(REPO / 'configs/README.md', 'detector-zoo', table())
