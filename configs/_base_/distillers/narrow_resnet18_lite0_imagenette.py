"""EfficientNet-Lite0 of ImageNet's 1,000 classes teaches a narrow ResNet-18 of ten of them: everything but the losses.

The teacher's file is made by tools/model_converters/efficientnet_lite.py; `MMKD_WEIGHTS=FOLDER` names another folder. It sees images of
128 px, and both name their classes, so its logits are mapped by themselves.
"""

import os

_base_ = '../models/narrow_resnet18_imagenette.py'

_weights = os.environ.get('MMKD_WEIGHTS', 'data/weights')

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher=dict(model='timm/tf_efficientnet_lite0', checkpoint=f'{_weights}/tf_efficientnet_lite0.pth', input_size=128))
