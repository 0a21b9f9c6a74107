"""An ONNX graph gives what the network gives, for images of sizes that it was not made with; what has none says so in a sentence."""

import pytest
import torch
from mmengine.config import Config
from support.coloured_boxes import network

from mmkd_ext.export.network_files import _compare
from mmkd_ext.export.onnx_graph import check_graph, onnx_bytes
from mmkd_ext.models.build import build_model
from mmkd_ext.models.outputs.kinds.backbone import Backbone
from mmkd_ext.models.outputs.kinds.classifier import Classifier
from mmkd_ext.models.outputs.kinds.dense.kind import Dense
from mmkd_ext.models.outputs.kinds.query.kind import Query
from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage


@pytest.fixture
def detector():
    torch.manual_seed(0)
    model = dict(network(), data_preprocessor=dict(type='DetDataPreprocessor', pad_size_divisor=16))
    return build_model(Config(dict(default_scope='mmdet', model=model)))


@pytest.mark.det
def test_boxes_come_from_the_graph_of_a_dense_detector_as_from_itself(detector, rng):
    import onnxruntime
    from mmdet.structures import DetDataSample

    content = onnx_bytes(Dense, detector, torch.randn(2, 3, 64, 64, generator=rng), _compare)
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    assert [each.name for each in session.get_outputs()] == ['cls_scores_8', 'cls_scores_16', 'bbox_preds_8', 'bbox_preds_16']
    images = torch.randn(3, 3, 48, 112, generator=rng)
    meta = dict(img_shape=(48, 112), ori_shape=(48, 112), scale_factor=(1.0, 1.0))
    wanted = detector(images, [DetDataSample(metainfo=dict(meta)) for _ in images], mode='predict')
    said = [torch.from_numpy(each) for each in session.run(None, {'images': images.numpy()})]
    found = detector.bbox_head.predict_by_feat(said[:2], said[2:], batch_img_metas=[meta] * 3, rescale=True)
    for mine, theirs in zip(found, wanted, strict=True):
        assert len(mine) == len(theirs.pred_instances) > 0
        for key in ('bboxes', 'scores', 'labels'):
            torch.testing.assert_close(mine[key], theirs.pred_instances[key], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('kind', 'said'), [
    (TwoStage, 'got a two-stage detector, and it looks again at regions .* use mmdeploy'), (Backbone, 'got a backbone without a head'),
    (Query, 'got a query detector, and .* deformable attention'),
])  # fmt: skip
def test_a_kind_without_a_graph_says_why(kind, said):
    check_graph(Classifier)
    check_graph(Dense)
    with pytest.raises(ValueError, match=f'ONNX export is for classifiers and dense detectors, {said}'):
        check_graph(kind)


class Unseen(torch.nn.Module):
    """A network whose operations depend on what it sees."""

    def forward(self, images, mode='tensor'):
        return images.mean((2, 3)) if images.sum() > 0 else images.amax((2, 3))


def test_a_network_that_the_exporter_cannot_follow_is_one_sentence(rng):
    with pytest.raises(ValueError, match='A network that torch can export to ONNX is needed, got Unseen: .*Nothing was written'):
        onnx_bytes(Classifier, Unseen(), torch.randn(2, 3, 4, 4, generator=rng), _compare)
