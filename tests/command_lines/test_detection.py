"""A distilled detector through the command lines: training, resume, test, class means, curves and pictures, on one tiny run."""

import base64
import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from support.detection import build, tiny
from support.detector_runs import CONFIG, QUIET, run
from support.drawn_panels import drawn
from support.report_pages import pictures_of, read, texts_of
from support.runs import REPO, losses, one_error

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import compute_class_means, draw_detections, plot_curves, report, test, train

pytestmark = QUIET
__all__ = ['drawn']  # a fixture


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder with a config, its teacher, and the run of two epochs in `whole`."""
    folder = tmp_path_factory.mktemp('detection')
    teacher = tiny(width=16, embedding=48)
    torch.save(dict(state_dict=build(teacher, seed=5).state_dict()), folder / 'teacher.pth')
    model = dict(
        type='mmkd_ext.TwoStageDistiller', student=tiny(), teacher=dict(model=teacher, checkpoint=str(folder / 'teacher.pth')),
        losses=dict(kd=dict(type='mmkd_ext.KDLoss'), nd=dict(type='mmkd_ext.NDLoss')), input_size=64)
    (folder / 'tiny_detector.py').write_text(CONFIG.format(repo=REPO, folder=folder, model=model))
    run(train, folder, 'tiny_detector.py', '--work-dir', 'whole')
    return folder


def test_an_interrupted_run_goes_on_with_the_same_losses_and_class_means(folder):
    run(train, folder, 'tiny_detector.py', '--work-dir', 'parts', '--cfg-options', 'train_cfg.max_epochs=1')
    (cache,) = (folder / 'class_means').glob('*.pth')
    hidden = cache.rename(cache.with_suffix('.hidden'))
    run(train, folder, 'tiny_detector.py', '--work-dir', 'parts', '--resume')
    hidden.rename(cache)
    (reference,) = losses(folder / 'whole')
    before, after = losses(folder / 'parts')
    assert sorted(before) == [1, 2, 3] and sorted(after) == [4, 5, 6] and {**before, **after} == reference
    whole, parts = (read_checkpoint(folder / name / 'epoch_2.pth') for name in ('whole', 'parts'))
    for part in ('state_dict', 'ema_state_dict'):
        torch.testing.assert_close(dict(parts[part]), dict(whole[part]), rtol=0, atol=0)
    means = read_checkpoint(cache)['class_means'].float()
    torch.testing.assert_close(whole['state_dict']['distill.nd.class_means'], means, rtol=0, atol=0)


def test_a_category_that_the_annotations_do_not_list_ends_a_run_before_it_starts(folder, capsys):
    scenes = folder / 'scenes/train_12_seed0'
    content = json.loads((scenes / 'annotations.json').read_text())
    content['annotations'][3]['category_id'] = 99
    (scenes / 'bad.json').write_text(json.dumps(content))
    cfg = Config.fromfile(folder / 'tiny_detector.py')
    old = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='CocoDataset', data_root=str(scenes), ann_file='bad.json', data_prefix=dict(img=''), metainfo=old.metainfo,
        pipeline=old.pipeline)  # fmt: skip
    cfg.dump(folder / 'bad_detector.py')
    run(train, folder, 'bad_detector.py', '--work-dir', 'bad', code=2)
    assert 'got category_id 99 of 1 in ' in one_error(capsys.readouterr().err)


def test_the_average_of_weights_is_the_student_s_and_has_no_teacher(folder):
    saved = read_checkpoint(folder / 'whole/epoch_2.pth')
    averaged = {key.removeprefix('module.'): x for key, x in saved['ema_state_dict'].items() if key != 'steps'}
    assert set(averaged) == set(saved['state_dict'])
    assert {key for key in averaged if not key.startswith('distill.')} == set(build(tiny()).state_dict())
    differing = [key for key, x in averaged.items() if not torch.equal(x, saved['state_dict'][key])]
    assert 'backbone.conv1.weight' in differing and 'distill.nd.class_means' not in differing


def test_a_training_checkpoint_is_tested_without_the_teacher(folder):
    teacher = folder / 'teacher.pth'
    hidden = teacher.rename(folder / 'hidden.pth')
    run(test, folder, 'tiny_detector.py', 'whole/epoch_2.pth', '--work-dir', 'tested', '--out', 'metrics.json', '--out-item', 'metrics')
    hidden.rename(teacher)
    found = json.loads((folder / 'metrics.json').read_text())
    assert -1 <= found['coco/bbox_mAP'] <= 1


def test_predictions_are_drawn_on_every_original_image_of_a_test_mirrored_or_not(folder):
    images = sorted((folder / 'scenes/test_12_seed0').rglob('*.png'))[:2]
    truths = []
    for place, flags in (('stock', ()), ('views', ('--tta',))):
        run(test, folder, 'tiny_detector.py', 'whole/epoch_2.pth', '--work-dir', 'tested', '--show-dir', place, *flags)
        assert sorted(path.name for path in (folder / place).iterdir()) == [path.name for path in images]
        shown = [cv2.imread(str(folder / place / path.name)) for path in images]
        height, width, _ = cv2.imread(str(images[0])).shape
        assert all(each.shape == (height, 2 * width, 3) for each in shown)  # the truth beside the predictions
        truths.append([each[:, :width] for each in shown])
    for plain, merged in zip(*truths, strict=True):
        np.testing.assert_array_equal(plain, merged)


def test_class_means_are_those_that_training_made(folder, capsys):
    (cache,) = (folder / 'class_means').glob('*.pth')
    made = cache.stat().st_mtime_ns
    run(compute_class_means, folder, 'tiny_detector.py', '--work-dir', 'whole')
    assert cache.stat().st_mtime_ns == made and list((folder / 'class_means').glob('*.pth')) == [cache]
    said = capsys.readouterr().out
    assert 'classes   4 of width 48' in said and cache.name in said and cache.with_suffix('.png').is_file()


def test_curves_of_a_detector(folder, monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, 'savefig', lambda self, out, **_: (figures.append(self), out.write_bytes(b'')))
    run(plot_curves, folder, 'whole', '--out', 'curves.png', '--keys', 'nd_student_cosine')
    (file,) = (folder / 'whole').glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in file.read_text().splitlines()]
    drawn = {axes.get_title(): axes for axes in figures[0].axes}
    assert set(drawn) == {'Loss', 'Accuracy', 'nd_student_cosine'}
    terms = ['loss', 'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'loss_kd', 'loss_nd']
    labels = [text.get_text() for text in drawn['Loss'].get_legend().get_texts()]
    assert labels == terms
    for name, line in zip(labels, drawn['Loss'].get_lines(), strict=True):
        assert line.get_ydata().tolist() == [record[name] for record in records if 'loss' in record]
    labels = [text.get_text() for text in drawn['Accuracy'].get_legend().get_texts()]
    names = [f'{who}coco/bbox_{kind}' for who in ('', 'teacher/') for kind in ('mAP', 'mAP_50')]
    assert labels == [*(f'{name} (validation)' for name in names), 'acc (training)']
    for name, line in zip(names, drawn['Accuracy'].get_lines(), strict=False):
        assert list(line.get_ydata()) == [100 * records[-1][name]]
    assert drawn['Accuracy'].get_ylabel() == 'accuracy, AP (%)'


def detections(detector, path):
    """Boxes, classes and scores of a stock detector in the pixels of an image of 128 px, which the config's pipeline leaves as it is."""
    from mmdet.structures import DetDataSample

    meta = dict(img_shape=(128, 128), ori_shape=(128, 128), scale_factor=(1.0, 1.0), img_id=0)
    image = torch.from_numpy(cv2.imread(str(path)).transpose(2, 0, 1).copy())
    with torch.no_grad():
        found = detector.eval().test_step(dict(inputs=[image], data_samples=[DetDataSample(metainfo=meta)]))[0].pred_instances
    return found


def test_a_picture_has_the_truth_the_student_and_the_teacher_in_its_own_colours(folder, drawn, capsys):
    own = dict(mean=[10.0, 20.0, 30.0], std=[30.0, 20.0, 10.0], bgr_to_rgb=False)
    options = [f'model.teacher.model.data_preprocessor.{key}={str(value).replace(" ", "")}' for key, value in own.items()]
    image = folder / 'scenes/test_12_seed0/00001.png'
    run(draw_detections, folder, 'tiny_detector.py', 'whole/epoch_2.pth', '--images', image.name, '--out', 'pictures', '--score', '0.2',
        '--cfg-options', *options)  # fmt: skip
    (path,) = (folder / 'pictures').glob('*.png')
    assert path.name == '000001_00001.png' and f'wrote pictures/{path.name}' in capsys.readouterr().out
    assert cv2.imread(str(path)).shape == (400 + 26, 3 * 400, 3)
    truth, student, teacher = drawn
    content = json.loads((image.parent / 'annotations.json').read_text())
    boxes = [(a['bbox'], str(a['category_id'])) for a in content['annotations'] if a['image_id'] == 1 and a['category_id'] < 3]
    assert len(boxes) > 0 and truth[2] == [name for _, name in boxes]
    for (x, y, w, h), found in zip((box for box, _ in boxes), truth[1], strict=True):
        torch.testing.assert_close(found, torch.tensor([x, y, x + w, y + h]) * 400.0 / 128)
    networks = [build(tiny()), build(tiny(width=16, embedding=48, **own))]
    for network, weights in zip(networks, ('whole/epoch_2.pth', 'teacher.pth'), strict=True):
        state = read_checkpoint(folder / weights)['state_dict']
        network.load_state_dict({k: v for k, v in state.items() if not k.startswith('distill.')})
    for network, (_, found, names) in zip(networks, (student, teacher), strict=True):
        expected = detections(network, image)
        kept = expected.scores >= 0.2
        assert 0 < kept.sum() == len(found)
        apart = torch.cdist(found, (expected.bboxes[kept] * 400 / 128).clamp(max=399), compute_mode='donot_use_mm_for_euclid_dist')
        assert apart.amin(dim=0).max() < 0.1 and apart.amin(dim=1).max() < 0.1  # equal scores may come in any order
        wanted = [f'{k} {s:.2f}' for k, s in zip(expected.labels[kept].tolist(), expected.scores[kept].tolist(), strict=True)]
        assert sorted(names) == sorted(wanted)


def test_a_plain_detector_has_no_teacher_s_panel_and_a_number_of_images_is_spread(folder, drawn):
    cfg = Config.fromfile(folder / 'tiny_detector.py')
    cfg.model = cfg.model.student
    cfg.dump(folder / 'plain_detector.py')
    run(draw_detections, folder, 'plain_detector.py', 'whole/epoch_2.pth', '--images', '2', '--out', 'plain', '--score', '1.1',
        '--cfg-options', 'test_dataloader.dataset.indices=4')  # fmt: skip
    assert sorted(path.name for path in (folder / 'plain').iterdir()) == ['000000_00000.png', '000002_00002.png']
    assert len(drawn) == 4 and [len(call[1]) for call in drawn[1::2]] == [0, 0]  # no score is that high
    assert cv2.imread(str(folder / 'plain/000000_00000.png')).shape == (426, 800, 3)


def test_the_page_of_a_detector_has_truth_teacher_and_student_side_by_side(folder, drawn):
    run(report, folder, 'whole', '--pictures', '3', '--out', 'page.html')
    page = (folder / 'page.html').read_text()
    assert set(read(page).sections) == {'trained', 'accuracy', 'curves', 'adapters', 'detections', 'cost', 'repeat'}
    (address,) = pictures_of(page, 'detections')
    content = np.frombuffer(base64.b64decode(address.partition(',')[2]), np.uint8)
    assert cv2.imdecode(content, 1).shape == (400 + 26, 3 * 400, 3) and len(drawn) == 3 and not any('.' in name for name in drawn[0][2])
    assert 'coco/bbox_mAP (%)' in texts_of(page, 'accuracy') and '1 of 2 validation images' in texts_of(page, 'detections')
    assert '3 x 128 x 128' in texts_of(page, 'cost')


@pytest.mark.parametrize(('arguments', 'said'), [
    (['tiny_detector.py', 'absent.pth'], 'absent.pth'),
    (['tiny_detector.py', 'whole/epoch_2.pth', '--images', 'owl.png'], 'got owl.png, which is none of its 2 (00000.png, 00001.png'),
    (['tiny_detector.py', 'whole/epoch_2.pth', '--images', '0'], 'An image is needed, got --images 0 of 2'),
    (['tiny_detector.py', 'whole/epoch_2.pth', '--out', 'teacher.pth/in_a_file'], 'Name another folder by --out'),
    (['tiny_detector.py', 'teacher.pth'], 'does the config belong'),
    ([REPO / 'configs/teskd/r18_digits.py', 'whole/epoch_2.pth'], 'A detector is needed, got ImageClassifier'),
    (['tiny_detector.py', 'whole/epoch_2.pth', '--cfg-options', 'test_dataloader.dataset.type=CocoDataset',
      'test_dataloader.dataset.ann_file=absent.json', 'test_dataloader.dataset._delete_=True'], 'The test data is needed'),
], ids=['checkpoint', 'image', 'no image', 'folder', 'another network', 'classifier', 'data'])  # fmt: skip
def test_what_cannot_be_drawn_is_one_sentence(folder, capsys, arguments, said):
    shutil.rmtree(folder / 'detections', ignore_errors=True)
    run(draw_detections, folder, *arguments, code=2)
    assert said.lower() in one_error(capsys.readouterr().err).lower()
    assert not list(folder.glob('detections/*'))
