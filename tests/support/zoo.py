"""The networks of the zoo walk: one small model of each family, and what is known of those that stand apart."""

# the smallest of each module of timm 1.0.31 (its toy models aside)
TIMM = dict(pair.split('=') for pair in """
    beit=beit_base_patch16_224 byoanet=halonet_h1 byobnet=mobileone_s1 cait=cait_xxs24_224 coat=coat_tiny
    convit=convit_tiny convmixer=convmixer_768_32 convnext=convnext_zepto_rms cpubone=cpubone_nano
    crossvit=crossvit_tiny_240 csatv2=csatv2 cspnet=cs3darknet_focus_s cspnext=cspnext_tiny davit=davit_tiny
    deepseek_vit=deepseek_vit_412m deit=deit_tiny_patch16_224 densenet=densenet121 dla=dla46x_c dpn=dpn48b
    edgenext=edgenext_xx_small efficientformer=efficientformer_l1 efficientformer_v2=efficientformerv2_s0
    efficientnet=mnasnet_small efficientvim=efficientvim_m1 efficientvit_mit=efficientvit_b0
    efficientvit_msra=efficientvit_m0 eva=eva02_tiny_patch14_224 fasternet=fasternet_t0 fastvit=fastvit_t8
    focalnet=focalnet_tiny_srf gcvit=gcvit_xxtiny gemma4_vit=gemma4_vit_167m ghostnet=ghostnet_050
    hardcorenas=hardcorenas_b hgnet=hgnetv2_b0 hiera=hiera_tiny_224 hieradet_sam2=hieradet_small
    hrnet=hrnet_w18_small iformer=iformer_t inception_next=inception_next_atto
    inception_resnet_v2=inception_resnet_v2 inception_v3=inception_v3 inception_v4=inception_v4
    lcnetv2=lcnetv2_small levit=levit_128s lowformer=lowformer_b0 mambaout=mambaout_femto maxxvit=maxvit_pico_rw_256
    metaformer=poolformerv2_s12 mlp_mixer=gmlp_ti16_224 mobilenetv3=mobilenetv3_small_050
    mobilenetv5=mobilenetv5_base mobilevit=mobilevit_xxs mvitv2=mvitv2_tiny
    naflexvit=naflexvit_so150m2_patch16_reg1_gap nasnet=nasnetalarge nest=nest_tiny nextvit=nextvit_small
    nfnet=nf_regnet_b0 pit=pit_ti_224 pnasnet=pnasnet5large pvt_v2=pvt_v2_b0 qwen3_vit=qwen3_vit_88m
    rdnet=rdnet_tiny regnet=regnetx_002 repghost=repghostnet_050 repvit=repvit_m1 res2net=res2next50
    resnest=resnest14d resnet=resnet10t resnetv2=resnetv2_18 rexnet=rexnet_100 selecsls=selecsls42
    senet=legacy_seresnet18 sequencer=sequencer2d_s shvit=shvit_s1 sknet=skresnet18 starnet=starnet_s050
    swiftformer=swiftformer_xs swin_transformer=swin_tiny_patch4_window7_224
    swin_transformer_v2=swinv2_tiny_window16_256 swin_transformer_v2_cr=swinv2_cr_tiny_224 tiny_vit=tiny_vit_5m_224
    tnt=tnt_s_legacy_patch16_224 tresnet=tresnet_m twins=twins_svt_small vgg=vgg11 visformer=visformer_tiny
    vision_transformer=vit_tiny_patch16_224 vision_transformer_hybrid=vit_tiny_r_s16_p8_224
    vision_transformer_relpos=vit_srelpos_small_patch16_224 vision_transformer_sam=samvit_base_patch16_224
    vitamin=vitamin_small_224 volo=volo_d1_224 vovnet=ese_vovnet19b_slim_dw xception=legacy_xception
    xception_aligned=xception41p xcit=xcit_nano_12_p8_224
""".split())

# the smallest of each family of mmpretrain's index with an `ImageClassifier` that has a head
MMPRETRAIN = {family.replace('_', ' '): name for family, _, name in (pair.partition('=') for pair in """
    BarlowTwins=resnet50_barlowtwins-pre_8xb32-linear-coslr-100e_in1k
    BEiT=beit-base-p16_beit-in21k-pre_3rdparty_in1k BEiTv2=beit-base-p16_beitv2-in21k-pre_3rdparty_in1k
    CAE=beit-base-p16_cae-pre_8xb128-coslr-100e_in1k EVA=vit-base-p16_eva-mae-style-pre_8xb128-coslr-100e_in1k
    BYOL=resnet50_byol-pre_8xb512-linear-coslr-90e_in1k Conformer=conformer-tiny-p16_3rdparty_in1k
    ConvMixer=convmixer-768-32_3rdparty_in1k ConvNeXt=convnext-tiny_32xb128-noema_in1k
    ConvNeXt_V2=convnext-v2-atto_3rdparty-fcmae_in1k SparK=resnet50_spark-pre_300e_in1k
    CSPNet=cspresnext50_3rdparty_8xb32_in1k DaViT=davit-tiny_3rdparty_in1k DeiT=deit-tiny_4xb256_in1k
    DeiT3=deit3-small-p16_3rdparty_in1k DenseCL=resnet50_densecl-pre_8xb32-linear-steplr-100e_in1k
    DenseNet=densenet121_3rdparty_in1k EdgeNeXt=edgenext-xxsmall_3rdparty_in1k
    EfficientFormer=efficientformer-l1_3rdparty_8xb128_in1k
    EfficientNet=efficientnet-b0_3rdparty-ra-noisystudent_in1k EfficientNetV2=efficientnetv2-b0_3rdparty_in1k
    HiViT=hivit-tiny-p16_16xb64_in1k HorNet=hornet-tiny_3rdparty_in1k HRNet=hrnet-w18_3rdparty_8xb32-ssld_in1k
    Inception_V3=inception-v3_3rdparty_8xb32_in1k LeViT=levit-128s_3rdparty_in1k
    MAE=vit-base-p16_mae-1600e-pre_8xb128-coslr-100e_in1k MaskFeat=vit-base-p16_maskfeat-pre_8xb256-coslr-100e_in1k
    MILAN=vit-base-p16_milan-pre_8xb128-coslr-100e_in1k MixMIM=mixmim-base_mixmim-pre_8xb128-coslr-100e_in1k
    MLP-Mixer=mlp-mixer-base-p16_3rdparty_64xb64_in1k MobileNet_V2=mobilenet-v2_8xb32_in1k
    MobileNet_V3=mobilenet-v3-small-050_3rdparty_in1k MobileOne=mobileone-s0_8xb32_in1k
    MobileViT=mobilevit-xxsmall_3rdparty_in1k MoCoV2=resnet50_mocov2-pre_8xb32-linear-steplr-100e_in1k
    MoCoV3=vit-small-p16_mocov3-pre_8xb128-linear-coslr-90e_in1k MViT_V2=mvitv2-tiny_3rdparty_in1k
    PoolFormer=poolformer-s12_3rdparty_32xb128_in1k VIG=vig-tiny_3rdparty_in1k RegNet=regnetx-3.2gf_8xb64_in1k
    RepLKNet=replknet-31l_in21k-pre_3rdparty_in1k-384px RepMLP=repmlp-base_3rdparty_8xb64_in1k
    RepVGG=repvgg-b0_8xb32_in1k Res2Net=res2net50-w14-s8_3rdparty_8xb32_in1k CSRA=resnet101-csra_1xb16_voc07-448px
    ResNet=resnet34_8xb32_in1k SimCLR=resnet50_simclr-200e-pre_8xb512-linear-coslr-90e_in1k
    SimSiam=resnet50_simsiam-100e-pre_8xb512-linear-coslr-90e_in1k
    SwAV=resnet50_swav-pre_8xb32-linear-coslr-100e_in1k ResNeXt=resnext50-32x4d_8xb32_in1k
    RevViT=revvit-small_3rdparty_in1k RIFormer=riformer-s12_in1k SEResNet=seresnet50_8xb32_in1k
    Shufflenet_V1=shufflenet-v1-1x_16xb64_in1k Shufflenet_V2=shufflenet-v2-1x_16xb64_in1k
    SimMIM=swin-base-w6_simmim-100e-pre_8xb256-coslr-100e_in1k-192px Swin-Transformer=swin-tiny_16xb64_in1k
    Swin-Transformer_V2=swinv2-tiny-w16_3rdparty_in1k-256px Tokens-to-Token_ViT=t2t-vit-t-14_8xb64_in1k
    TinyViT=tinyvit-5m_3rdparty_in1k Transformer_in_Transformer=tnt-small-p16_3rdparty_in1k
    Twins=twins-svt-small_3rdparty_8xb128_in1k Visual-Attention-Network=van-tiny_3rdparty_in1k VGG=vgg11_8xb32_in1k
    EVA02=vit-tiny-p14_eva02-in21k-pre_3rdparty_in1k-336px Vision_Transformer=vit-base-p16_32xb128-mae_in1k
    CLIP=vit-base-p16_clip-laion2b-in12k-pre_3rdparty_in1k
    MFF=vit-base-p16_mff-300e-pre_8xb2048-linear-coslr-90e_in1k Wide-ResNet=wide-resnet50_3rdparty-timm_8xb32_in1k
    XCiT=xcit-nano-12-p8_3rdparty-dist_in1k
""".split())}

# families of the index that are no classifiers: they caption, retrieve, answer, or give a backbone without a head
NO_CLASSIFIER = {
    'ArcFace', 'BLIP', 'BLIP-2', 'ChineseCLIP', 'DINOv2', 'Flamingo', 'GLIP', 'LLaVA', 'MiniGPT4', 'OFA', 'Otter', 'SAM',
    'iTPN'}  # fmt: skip

# as a teacher or as a student they do not work, with the reason
FAILING: dict[str, str] = {}

# mmpretrain refuses to train their two classifiers; with one (`head.distillation=False`) they are students too
ONE_HEAD_STUDENTS = {'EfficientFormer', 'LeViT'}

# logits are more than a linear layer's on the embedding: a second classifier looks at all tokens
MORE_THAN_LINEAR = {'volo', 'CSRA'}

# stages that are not timm's own `forward_intermediates`, with what they are instead
OTHER_STAGES = {
    'coat': 'normed', 'mvitv2': 'the last one normed', 'twins': 'the last one normed',
    'hrnet': 'the last one is what is pooled', 'mobilenetv5': 'without the stem', 'tresnet': 'without the stem'}  # fmt: skip

# sides of images where the default (128 for a timm model that takes any, else the config's) is slow or too small
SIDES = {
    'byoanet': 256, 'ConvMixer': 96, 'RepLKNet': 96, 'CSRA': 128, 'gemma4_vit': 96, 'deepseek_vit': 126, 'HRNet': 96, 'ConvNeXt V2': 96}

# sides that mmpretrain's transformers of one size are built for, instead of 224
BUILT_FOR = {'Tokens-to-Token ViT': 96, 'RevViT': 96}

# what to change in the model's config, so that it is affordable
TIMM_OPTIONS = {'deepseek_vit': {'depth': 2}, 'tnt': {'img_size': 96}, 'hiera': {'img_size': 128}}

# what the default run of the tests covers
REPRESENTATIVE = {
    'resnet', 'deit', 'pit', 'hiera', 'efficientformer', 'dla', 'tnt', 'efficientvim', 'ConvNeXt V2', 'DeiT', 'MobileNet V3',
    'Inception V3', 'LeViT', 'EdgeNeXt', 'XCiT', 'Tokens-to-Token ViT', 'RevViT', 'HRNet'}  # fmt: skip
