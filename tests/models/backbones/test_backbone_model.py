"""BackboneModel: a backbone's maps, its embeddings as predictions, its keys, and no loss."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmkd_ext.models.backbones.backbone_model import BackboneModel
from mmkd_ext.models.backbones.cifar_resnet import CIFARResNet
from mmkd_ext.registry import MODELS

BACKBONE = dict(type='mmkd_ext.CIFARResNet', depth=8)


def model(**options):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(dict(type='mmkd_ext.BackboneModel', backbone=BACKBONE, **options)).eval()


def test_its_tensors_are_the_backbone_s_and_its_predictions_are_their_means_over_all_places(rng):
    network, alone = model(), CIFARResNet(8).eval()
    alone.load_state_dict({key.removeprefix('backbone.'): value for key, value in network.state_dict().items()}, strict=True)
    images = torch.randn(2, 3, 32, 32, generator=rng)
    samples = [DataSample().set_gt_label(k) for k in (1, 0)]
    with torch.no_grad():
        said, predicted, (last,) = network(images), network(images, samples, mode='predict'), alone(images)[-1:]
        assert torch.equal(said[-1], last)
        for mine, sample, new in zip(last, predicted, network(images, mode='predict'), strict=True):
            expected = torch.stack([channel.sum() / channel.numel() for channel in mine])
            torch.testing.assert_close(sample.embedding, expected)
            assert torch.equal(new.embedding, sample.embedding)
    assert [int(x.gt_label) for x in predicted] == [1, 0] and predicted[0] is samples[0]


def test_its_file_goes_into_the_backbone_of_a_classifier(tmp_path):
    network = model()
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'backbone.pth')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'backbone.pth'), prefix='backbone.')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        classifier = MODELS.build(dict(
            type='ImageClassifier', backbone=dict(BACKBONE, init_cfg=init), neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=3, in_channels=64)))
        classifier.init_weights()
    torch.testing.assert_close(classifier.backbone.state_dict(), network.backbone.state_dict(), rtol=0, atol=0)
    assert all(key.startswith('backbone.') for key in network.state_dict())


def test_images_are_normalised_by_its_preprocessor():
    data = model(data_preprocessor=dict(mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0])).data_preprocessor(dict(inputs=[torch.full(
        (3, 2, 2), 50, dtype=torch.uint8)]))
    assert data['inputs'][0, :, 0, 0].tolist() == [40.0, 15.0, 5.0]


def test_it_has_no_loss_of_its_own():
    with pytest.raises(NotImplementedError, match='^A BackboneModel has no loss of its own: train it as the student of an mmkd_ext.F'):
        BackboneModel(BACKBONE)(torch.zeros(1, 3, 32, 32), [DataSample()], mode='loss')
