"""Class folders of photographs become class folders of small squares, or nothing at all."""

import numpy as np
import pytest
from PIL import Image
from support.runs import one_error

from tools.dataset_converters.small_squares import main


def photographs(folder, sizes=((200, 100), (90, 120)), classes=('n02', 'n01')):
    """The left half of each is red and the right half green."""
    for split in ('train', 'val'):
        for name in classes:
            (folder / split / name).mkdir(parents=True)
            for i, (width, height) in enumerate(sizes):
                pixels = np.zeros((height, width, 3), np.uint8)
                pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 1] = 200
                Image.fromarray(pixels).save(folder / split / name / f'{i}.png')
    return folder


def test_the_shorter_edge_becomes_the_size_and_the_middle_is_kept(tmp_path, capsys):
    out = tmp_path / 'out'
    assert main([str(photographs(tmp_path / 'in')), str(out), '--size', '16', '--per-class', '1']) == 0
    assert '2 training and 4 validation images of 16 px' in capsys.readouterr().out
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob('*.png'))
    assert found == ['train/n01/0.png', 'train/n02/0.png', *(f'val/n0{c}/{i}.png' for c in (1, 2) for i in (0, 1))]
    for path in out.rglob('*.png'):
        pixels = np.asarray(Image.open(path))
        assert pixels.shape == (16, 16, 3) and (pixels[:, :5] == (200, 0, 0)).all() and (pixels[:, 11:] == (0, 200, 0)).all()


@pytest.mark.parametrize(('spoil', 'flags', 'said'), [
    (lambda folder: (folder / 'train/n01/1.png').write_bytes(b'no image'), [], 'n01/1.png, which cannot be read'),
    (lambda folder: (folder / 'val/n01').rename(folder / 'val/n07'), [], 'same classes in train and val, got n01, n07'),
    (lambda folder: [path.unlink() for path in (folder / 'val/n01').iterdir()], [], 'got none in n01'),
    (lambda folder: (folder / 'val').rename(folder / 'test'), [], 'got no folder'),
    (lambda folder: None, ['--size', '0'], '--size needs to be a whole number of 1 or more, got 0'),
    (lambda folder: None, ['--per-class', '-1'], '--per-class needs'),
], ids=['damaged', 'other classes', 'empty class', 'no val', 'size', 'per class'])
def test_what_cannot_be_is_one_sentence_and_writes_nothing(tmp_path, capsys, spoil, flags, said):
    spoil(photographs(tmp_path / 'in'))
    assert main([str(tmp_path / 'in'), str(tmp_path / 'out'), *flags]) == 2
    assert said in one_error(capsys.readouterr().err) and [path.name for path in tmp_path.iterdir()] == ['in']
