"""What networks say of the validation images, against the networks asked by hand; who has no answer says so."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from support.image_folders import colour_folder
from support.reported_runs import NAMES

from mmkd_ext.config.load_config import load_config
from mmkd_ext.datasets.digits import Digits
from mmkd_ext.models.build import build_model
from mmkd_ext.report.loaded_models import Loaded, load_run
from mmkd_ext.report.predictions import NoClassifier, evenly, pictures, predict, validation_data
from mmkd_ext.report.trained_runs import read_trained_run


@pytest.fixture(scope='module')
def run(root):
    return read_trained_run(root / 'runs/kd_seed0')


@pytest.fixture(scope='module')
def loaded(run):
    return load_run(run)


def by_hand(loaded, run):
    """Logits of the student and of the teacher, image by image."""
    _, data = validation_data(run.cfg)
    said, labels = [], []
    for i in range(len(data)):
        item = data[i]
        batch = loaded.model.data_preprocessor(dict(inputs=[item['inputs']], data_samples=[item['data_samples']]), False)
        with torch.no_grad():
            said.append([loaded.network(batch['inputs'])[0], loaded.teachers['teacher'](batch['inputs']).logits[0]])
        labels.append(int(item['data_samples'].gt_label))
    return said, labels


def test_probabilities_are_those_of_the_networks(loaded, run):
    found = predict(loaded, run.cfg, None, 'cpu')
    said, labels = by_hand(loaded, run)
    assert found.labels.tolist() == labels and found.total == len(labels) == 16 and found.places == [*range(16)]
    for name, column in (('student', 0), ('teacher', 1)):
        expected = torch.stack([each[column] for each in said]).softmax(dim=1).numpy()
        np.testing.assert_allclose(found.scores[name], expected, rtol=1e-4, atol=1e-5)
        assert found.right(name).tolist() == (expected.argmax(1) == labels).tolist()
    assert found.names == list(NAMES)


def test_a_limit_takes_images_evenly_and_shows_those_that_are_meant(loaded, run):
    found = predict(loaded, run.cfg, 4, 'cpu')
    assert found.places == [0, 4, 8, 12] == evenly(16, 4) and evenly(3, 9) == [0, 1, 2]
    _, data = validation_data(run.cfg)
    shown = pictures(found, [2, 0])
    for image, place in zip(shown, (8, 0), strict=True):
        np.testing.assert_array_equal(image, data[place]['inputs'].permute(1, 2, 0).expand(-1, -1, 3).numpy())
    assert isinstance(data, Digits)


def test_images_that_were_loaded_blue_first_are_shown_red_first(tmp_path):
    colour_folder(tmp_path / 'colours', {'blue': 2, 'green': 2})  # OpenCV's first channel, blue, is the brighter one of `blue`
    (tmp_path / 'c.py').write_text(f"""
default_scope = 'mmpretrain'
model = dict(type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=2, in_channels=64))
data_preprocessor = dict(num_classes=2, mean=[0.0] * 3, std=[1.0] * 3, to_rgb=True)
val_dataloader = dict(batch_size=4, dataset=dict(type='CustomDataset', data_root='{tmp_path}/colours', pipeline=[
    dict(type='LoadImageFromFile'), dict(type='PackInputs')]))
""")
    cfg = load_config(str(tmp_path / 'c.py'))
    model = build_model(cfg)
    found = predict(Loaded(model, model, cfg, {}), cfg, None, 'cpu')
    assert found.names == ['blue', 'green'] and found.labels.tolist() == [0, 0, 1, 1]
    blue, green = (pictures(found, [i])[0].reshape(-1, 3).mean(axis=0).argmax() for i in (0, 2))
    assert (blue, green) == (2, 1)


def test_who_gives_no_class_says_so(loaded, run):
    with pytest.raises(NoClassifier, match='no validation images'):
        predict(loaded, Config(dict(model=run.cfg.model)), None, 'cpu')
