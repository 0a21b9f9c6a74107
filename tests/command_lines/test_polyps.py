"""Masks of polyps become COCO's boxes, from small folders of the two published layouts."""

import hashlib
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.polyp_folders import (
    CLINIC,
    DRAWN,
    HEIGHT,
    LAYOUTS,
    SMALL,
    WIDTH,
    boxes_of,
    contents,
    encoded,
    mask_of,
    published,
    tool,
    unpacked,
    zipped,
)
from support.runs import one_error

from mmkd_ext.errors import PreflightError


def annotated(out: Path, parts: tuple[str, ...] = ('train', 'val')) -> dict[str, list[list[int]]]:
    """Image's name without its suffix -> boxes, over all parts."""
    found = {}
    for part in parts:
        content = json.loads((out / f'{part}.json').read_text())
        by_number = {image['id']: image for image in content['images']}
        found |= {Path(image['file_name']).stem: [] for image in content['images']}
        for annotation in content['annotations']:
            found[Path(by_number[annotation['image_id']]['file_name']).stem].append(annotation['bbox'])
    return found


@pytest.mark.parametrize('form', [zipped, unpacked])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_each_piece_of_a_mask_is_a_box_and_images_are_copied(tmp_path, form, layout):
    files, out = published(LAYOUTS[layout]), tmp_path / 'data/polyps'
    parts, pictures = tool.convert(form(tmp_path / 'source', files), out, val=0.3)
    assert parts == {'train': 7, 'val': 3} and len(pictures) == 10
    assert annotated(out) == {name: boxes_of(name) for name in DRAWN}
    assert {Path(p.source).stem: p.specks for p in pictures if p.specks} == SMALL
    images, _, suffix, _ = LAYOUTS[layout]
    written = contents(out)
    assert {name for name in written if name.endswith('.json')} == {'train.json', 'val.json'}
    copies = {name: content for name, content in written.items() if not name.endswith('.json')}
    assert copies == {f'images/{name}.{suffix}': files[f'{images}/{name}.{suffix}'] for name in DRAWN}
    assert [path.name for path in out.parent.iterdir()] == ['polyps']


def test_area_counts_pixels_and_not_the_box(tmp_path):
    out = tmp_path / 'out'
    tool.convert(unpacked(tmp_path / 'source', published(CLINIC)), out, val=0.5)
    for part in ('train', 'val'):
        content = json.loads((out / f'{part}.json').read_text())
        names = {image['id']: Path(image['file_name']).stem for image in content['images']}
        assert [a['id'] for a in content['annotations']] == list(range(1, len(content['annotations']) + 1))
        for annotation in content['annotations']:
            x, y, width, height = annotation['bbox']
            mask = mask_of(names[annotation['image_id']])
            assert annotation['area'] == np.count_nonzero(mask[y : y + height, x : x + width])
            assert (annotation['category_id'], annotation['iscrowd']) == (1, 0)
        assert content['categories'] == [{'id': 1, 'name': 'polyp'}]


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_split(tmp_path):
    files = published()
    sources = [unpacked(tmp_path / 'a', files), unpacked(tmp_path / 'b', dict(reversed(files.items())))]
    sources.append(zipped(tmp_path / 'c', dict(reversed(files.items()))))
    outs = [tmp_path / f'out{i}' for i in range(4)]
    for source, out, seed in zip([*sources, sources[0]], outs, [0, 0, 0, 1], strict=True):
        tool.convert(source, out, val=0.3, seed=seed)
    first, second, third, other = map(contents, outs)
    assert first == second == third != other
    images = [json.loads(content['val.json'])['images'] for content in (first, other)]
    assert len(images[0]) == len(images[1]) == 3 and images[0] != images[1]
    everywhere = [json.loads(content[f'{part}.json'])['images'] for content in (first, other) for part in ('train', 'val')]
    assert len({(image['id'], image['file_name']) for part in everywhere for image in part}) == len(DRAWN)
    # Changing it would move everybody's split.
    names = [image['file_name'] for image in images[0]]
    ordered = sorted((hashlib.sha256(f'0/{name}.jpg'.encode()).hexdigest(), f'{name}.jpg') for name in DRAWN)
    assert sorted(names) == sorted(name for _, name in ordered[7:])


def test_three_parts_share_the_images(tmp_path):
    out = tmp_path / 'out'
    parts, _ = tool.convert(unpacked(tmp_path / 'source', published()), out, val=0.2, test=0.3)
    assert parts == {'train': 5, 'val': 2, 'test': 3}
    files = [json.loads((out / f'{part}.json').read_text()) for part in parts]
    counts = Counter(image['file_name'] for content in files for image in content['images'])
    assert set(counts.values()) == {1} and len(counts) == 10
    assert annotated(out, ('train', 'val', 'test')) == {name: boxes_of(name) for name in DRAWN}


@pytest.mark.det
def test_mmdet_and_pycocotools_read_it(tmp_path):
    from mmcv.transforms import LoadImageFromFile
    from mmdet.datasets import CocoDataset
    from mmdet.datasets.transforms import LoadAnnotations
    from pycocotools.coco import COCO

    for layout in LAYOUTS.values():
        out = tmp_path / layout[2]
        tool.convert(unpacked(tmp_path / f'source_{layout[2]}', published(layout)), out, val=0.3)
        seen = {}
        for part, count in (('train', 7), ('val', 3)):
            assert len(COCO(str(out / f'{part}.json')).getImgIds()) == count
            dataset = CocoDataset(
                data_root=str(out), ann_file=f'{part}.json', data_prefix=dict(img='images/'),
                metainfo=dict(classes=('polyp',)), filter_cfg=dict(filter_empty_gt=False),
                pipeline=[LoadImageFromFile(), LoadAnnotations(with_bbox=True)])
            assert len(dataset) == count
            for sample in dataset:
                assert sample['img'].shape == (HEIGHT, WIDTH, 3) == (sample['height'], sample['width'], 3)
                corners = sample['gt_bboxes'].tensor.tolist()
                seen[Path(sample['img_path']).stem] = [[x, y, r - x, b - y] for x, y, r, b in corners]
                assert not sample['gt_bboxes_labels'].any() and not sample['gt_ignore_flags'].any()
        assert seen == {name: boxes_of(name) for name in DRAWN}


@pytest.mark.det
def test_a_turned_photograph_has_the_size_that_training_sees(tmp_path):
    import mmcv

    files = published()
    for folder in ('images', 'masks'):
        buffer, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 6  # turn by 90 degrees
        Image.open(io.BytesIO(files[f'Kvasir-SEG/{folder}/1.jpg'])).save(buffer, 'JPEG', quality=95, exif=exif)
        files[f'Kvasir-SEG/{folder}/1.jpg'] = buffer.getvalue()
    _, pictures = tool.convert(unpacked(tmp_path / 'source', files), tmp_path / 'out')
    (turned,) = [picture for picture in pictures if picture.source.endswith('/1.jpg')]
    assert mmcv.imread(tmp_path / 'out/images/1.jpg').shape[:2] == (turned.height, turned.width) == (WIDTH, HEIGHT)
    assert [box[:4] for box in turned.boxes] == [(HEIGHT - 16 - 24, 8, 24, 32)]


def test_thresholds_decide_what_is_a_polyp(tmp_path):
    files = published(CLINIC)
    for name in DRAWN:
        files[f'CVC-ClinicDB/Ground Truth/{name}.tif'] = encoded(mask_of(name, bright=1), 'TIFF')
    source = unpacked(tmp_path / 'source', files)
    with pytest.raises(PreflightError, match=r'from grey 128 on .* the brightest pixel is 1\. Look at --threshold'):
        tool.convert(source, tmp_path / 'out')
    tool.convert(source, tmp_path / 'all', threshold=1, min_area=1)
    found = annotated(tmp_path / 'all')
    assert found.pop('4') == [[40, 8, 48, 48], [4, 60, 3, 3]]
    assert found == {name: boxes_of(name) for name in DRAWN if name != '4'}
    _, pictures = tool.convert(source, tmp_path / 'large', threshold=1, min_area=65)
    assert [p.source[-5:] for p in pictures if not p.boxes] == ['2.tif', '5.tif']


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    source = unpacked(tmp_path / 'source', published())
    assert tool.main([str(source), str(tmp_path / 'out'), '--val', '0.2', '--test', '0.1', '--seed', '3']) == 0
    said = capsys.readouterr().out
    assert 'copied 10 images (7 train, 2 val, 1 test) with 11 polyps' in said
    assert '; 1 without a polyp; 1 specks of fewer than 64 pixels dropped' in said
    assert tool.main([str(source), str(tmp_path / 'out')]) == 2
    assert 'does not exist yet' in one_error(capsys.readouterr().err)
