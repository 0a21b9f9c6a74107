"""A frozen detector in bfloat16 predicts on a CPU, where mmcv's NMS and RoIAlign know float32 alone."""

import pytest
import torch
from support.detection import LOSSES, distiller, raw, read, teacher_of, tiny

pytestmark = pytest.mark.det


def test_its_boxes_are_those_of_float32_but_for_rounding(rng):
    data, said = raw(rng), {}
    teacher = tiny('faster', 16, 48)
    teacher['test_cfg']['rcnn'].update(score_thr=0.0, max_per_img=3)
    for precision in (None, 'bf16'):
        model = distiller(
            tiny(), teacher_of(teacher, precision=precision) if precision else teacher_of(teacher), dict(kd=LOSSES['kd']), input_size=64)
        images, samples = read(model, data, training=False)
        said[precision] = model.teachers['teacher'].predict(images, samples)
    for exact, rounded in zip(said[None], said['bf16'], strict=True):
        assert len(rounded.pred_instances) == 3 and rounded.pred_instances.bboxes.dtype == torch.float32
        torch.testing.assert_close(
            rounded.pred_instances.scores.float(), exact.pred_instances.scores, rtol=0.05, atol=0.02)
