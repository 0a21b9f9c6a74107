"""KD from the mean of EfficientNet-Lite0 and Lite2 of ImageNet's 1,000 classes to a narrow ResNet-18 of ten of them. Not run here.

With `by='confidence'` the surer of both teaches each image.

python tools/train.py configs/mapped/kd_narrow_resnet18_two_teachers_imagenette.py
"""

_base_ = [
    '../_base_/distillers/narrow_resnet18_lite0_imagenette.py', '../_base_/datasets/imagenette.py', '../_base_/schedules/imagenette_12e.py',
    '../_base_/default_runtime.py']

_first = _base_.model.teacher
_second = dict(model='timm/tf_efficientnet_lite2', checkpoint=_first.checkpoint.replace('lite0', 'lite2'), input_size=128)

model = dict(
    teacher=dict(_delete_=True, type='mmkd_ext.TeacherEnsemble', teachers=[_first, _second]),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0)))
