"""resnet8 on 100 labelled digits, from a backbone that learned a teacher's features on 1000 without labels; a minute on a CPU.

    python tools/train.py configs/features/finetune_resnet8_digits.py

configs/features/features_resnet8_vit_digits.py trains the backbone. From scratch: --cfg-options model.backbone.init_cfg=None
"""

_base_ = [
    '../_base_/models/resnet8_digits.py', '../_base_/datasets/digits_100.py', '../_base_/schedules/digits.py',
    '../_base_/default_runtime_digits.py']

model = dict(backbone=dict(init_cfg=dict(
    type='Pretrained', checkpoint='work_dirs/features_resnet8_vit_digits/epoch_30.pth', prefix='backbone.')))
