"""What a teacher's checkpoint says of itself: names of classes, its last validation, accuracies of the field's own scripts."""

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from safetensors.torch import save_file

from mmkd_ext.models.zoo.teacher_record import Record, class_names, record_of

WEIGHTS = {'fc.weight': torch.zeros(2, 3)}


def record(folder, **more):
    torch.save(dict(state_dict=WEIGHTS, **more), folder / 'a.pth')
    return record_of(folder / 'a.pth')


def test_names_and_the_last_validation_of_mmengine_are_read(tmp_path):
    accuracy = HistoryBuffer([40.0, 62.5], [1, 1])
    hub = dict(log_scalars={'val/accuracy/top1': accuracy, 'train/loss': HistoryBuffer([1.0], [1])}, runtime_info={}, resumed_keys={})
    found = record(tmp_path, meta=dict(dataset_meta=dict(classes=['cat', 'dog'])), message_hub=hub, best_acc=0.1)
    assert found == Record(('cat', 'dog'), {'accuracy/top1': 62.5})


@pytest.mark.parametrize(('value', 'percent'), [(0.931, 93.1), (93.1, 93.1), (torch.tensor(0.5), 50.0), (1, 100.0)])
@pytest.mark.parametrize('key', ['best_acc', 'accuracy', 'acc1'])
def test_an_accuracy_of_the_fields_scripts_is_in_percent(tmp_path, key, value, percent):
    assert record(tmp_path, **{key: value}).metrics == {'accuracy/top1': pytest.approx(percent)}


@pytest.mark.parametrize('more', [
    dict(best_acc='high'), dict(acc=[40.0, 62.5]), dict(top1=True), dict(accuracy=(0.5,)),
    dict(best_acc=None), dict(best_acc=torch.tensor([1.0, 2.0])), dict(acc=dict(top1=3.0)), dict(meta=3),
    dict(meta=dict(dataset_meta=None)), dict(meta=dict(dataset_meta=dict(classes='cat'))), dict(message_hub=[]),
    dict(message_hub=dict(log_scalars={'val/x': 3.0, 'val/y': HistoryBuffer()}))])
def test_what_is_no_record_is_none(tmp_path, more):
    assert record(tmp_path, **more) == Record()


def test_files_of_weights_alone_say_nothing(tmp_path):
    save_file(WEIGHTS, tmp_path / 'a.safetensors')
    torch.save(WEIGHTS, tmp_path / 'bare.pth')
    (tmp_path / 'cut.pth').write_bytes(b'PK')
    for name in ('a.safetensors', 'bare.pth', 'cut.pth'):
        assert record_of(tmp_path / name) == Record()


@pytest.mark.parametrize(('words', 'known'), [
    (dict(model='timm/resnet18'), True), (dict(model='torchvision/resnet18', num_classes=1000), True),
    (dict(model='resnet18_8xb32_in1k'), True), (dict(model='timm/resnet18', num_classes=5), False),
    (dict(model='cifar/resnet8'), False), (dict(model=dict(type='TimmClassifier')), False)])
def test_imagenets_names_are_known_of_zoos_that_train_on_it(words, known):
    assert class_names(words, Record()) == (tuple(IMAGENET_CATEGORIES) if known else None)
    assert class_names(words, Record(('cat', 'dog'))) == ('cat', 'dog')
