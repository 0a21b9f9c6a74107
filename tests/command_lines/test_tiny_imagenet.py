"""TinyImageNet's archive becomes class folders, or nothing at all, from a small archive of the same layout."""

import importlib.util
import io
import random
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from support.runs import REPO, one_error

from mmkd_ext.errors import PreflightError

PATH = REPO / 'tools/dataset_converters/tiny_imagenet.py'
spec = importlib.util.spec_from_file_location('tiny_imagenet', PATH)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
CLASSES = ('n03', 'n01', 'n02')
COUNTS = dict(classes=3, train_per_class=4, val_images=6)


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.frombytes('RGB', (64, 64), random.Random(seed).randbytes(3 * 64 * 64)).save(buffer, 'JPEG')
    return buffer.getvalue()


def published() -> dict[str, bytes]:
    """File -> content, as in tiny-imagenet-200.zip, with 3 classes of 4 training and 2 validation images."""
    files = {'wnids.txt': '\n'.join(CLASSES).encode() + b'\n', 'words.txt': b'n01\ta fish\n'}
    for c, name in enumerate(CLASSES):
        files |= {f'train/{name}/images/{name}_{i}.JPEG': jpeg(10 * c + i) for i in range(4)}
        files[f'train/{name}/{name}_boxes.txt'] = b'0\t0\t62\t62\n'
    files |= {f'val/images/val_{i}.JPEG': jpeg(100 + i) for i in range(6)}
    lines = [f'val_{i}.JPEG\t{CLASSES[i % 3]}\t0\t32\t44\t62\n' for i in range(6)]
    files['val/val_annotations.txt'] = ''.join(lines).encode()
    files |= {f'test/images/test_{i}.JPEG': jpeg(200 + i) for i in range(2)}
    return {f'tiny-imagenet-200/{name}': content for name, content in files.items()}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('tiny-imagenet-200/', b'')  # folders are entries too
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def unpacked(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path / 'tiny-imagenet-200'


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


@pytest.mark.parametrize('form', [zipped, unpacked])
@pytest.mark.parametrize('exists', [False, True], ids=['new folder', 'empty folder'])
def test_every_image_goes_to_its_class_and_nothing_else_is_written(tmp_path, form, exists):
    files, out = published(), tmp_path / 'data/tiny_imagenet'
    if exists:
        out.mkdir(parents=True)
    assert tool.convert(form(tmp_path / 'archive', files), out, **COUNTS) == (12, 6)
    root = 'tiny-imagenet-200/'
    expected = {f'train/{c}/{c}_{i}.JPEG': files[f'{root}train/{c}/images/{c}_{i}.JPEG'] for c in CLASSES for i in range(4)}
    expected |= {f'val/{CLASSES[i % 3]}/val_{i}.JPEG': files[f'{root}val/images/val_{i}.JPEG'] for i in range(6)}
    assert contents(out) == expected
    assert [path.name for path in out.parent.iterdir()] == ['tiny_imagenet']


@pytest.mark.parametrize('form', [zipped, unpacked])
def test_every_second_class_by_name(tmp_path, form):
    files, out = published(), tmp_path / 'tiny'
    files |= {f'tiny-imagenet-200/train/n04/images/n04_{i}.JPEG': jpeg(30 + i) for i in range(4)}
    files |= {f'tiny-imagenet-200/val/images/val_{i}.JPEG': jpeg(100 + i) for i in (6, 7)}
    files['tiny-imagenet-200/wnids.txt'] += b'n04\n'
    files['tiny-imagenet-200/val/val_annotations.txt'] += b'val_6.JPEG\tn04\t0\t0\t9\t9\nval_7.JPEG\tn04\t0\t0\t9\t9\n'
    assert tool.convert(form(tmp_path / 'archive', files), out, 4, 4, 8, keep=2) == (8, 4)
    assert sorted(path.relative_to(out).as_posix() for path in out.glob('*/*')) == ['train/n01', 'train/n03', 'val/n01', 'val/n03']


@pytest.mark.parametrize('keep', [0, 1, 7, -20, 400])
def test_a_number_of_classes_that_does_not_divide_theirs_is_refused(tmp_path, capsys, keep):
    assert tool.main([str(tmp_path / 'a.zip'), str(tmp_path / 'out'), '--classes', str(keep)]) == 2
    assert f'divides 200 evenly and is at least 2 is needed, got {keep}. Look at --classes.' in one_error(capsys.readouterr().err)


def test_the_published_counts_are_the_default(tmp_path, capsys):
    assert (tool.CLASSES, tool.TRAIN_PER_CLASS, tool.VAL_IMAGES) == (200, 500, 10_000)
    archive = zipped(tmp_path / 'tiny-imagenet-200.zip', published())
    assert tool.main([str(archive), str(tmp_path / 'out')]) == 2
    assert 'needs 200 classes in wnids.txt, got 3' in one_error(capsys.readouterr().err)


def test_the_command_says_what_it_wrote(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tool, 'convert', lambda archive, out, keep: (12, 6))
    assert tool.main([str(tmp_path / 'a.zip'), str(tmp_path / 'out')]) == 0
    assert '12 training and 6 validation images' in capsys.readouterr().out


def without(name: str):
    return lambda files: files.pop(f'tiny-imagenet-200/{name}')


def replaced(name: str, old: bytes, new: bytes):
    def change(files: dict[str, bytes]) -> None:
        key = f'tiny-imagenet-200/{name}'
        assert old in files[key]
        files[key] = files[key].replace(old, new)

    return change


def cut(name: str):
    def change(files: dict[str, bytes]) -> None:
        key = f'tiny-imagenet-200/{name}'
        files[key] = files[key][: len(files[key]) // 2]

    return change


def added(name: str):
    return lambda files: files.update({f'tiny-imagenet-200/{name}': jpeg(7)})


ANNOTATIONS = 'val/val_annotations.txt'
WRONG = {
    'a training image missing': (without('train/n01/images/n01_2.JPEG'), 'needs 4 training images', '3 of n01'),
    'a training image too many': (added('train/n02/images/n02_9.JPEG'), 'needs 4 training images', '5 of n02'),
    'a class that is none': (added('train/n09/images/n09_0.JPEG'), 'needs 4 training images', '1 of n09 (no class)'),
    'no list of classes': (without('wnids.txt'), 'one file wnids.txt', 'got 0'),
    'a class missing': (replaced('wnids.txt', b'n02\n', b''), 'needs 3 classes', 'got 2'),
    'a class twice': (replaced('wnids.txt', b'n02', b'n01'), 'needs 3 classes', 'got 2 in 3 lines'),
    'a class outside': (replaced('wnids.txt', b'n02', b'../n02'), 'needs 3 classes', 'got 2'),
    'no annotations': (without(ANNOTATIONS), 'val/val_annotations.txt', 'got none'),
    'a validation image missing': (without('val/images/val_3.JPEG'), '1 are missing', 'val_3.JPEG'),
    'one too many': (added('val/images/val_9.JPEG'), '1 not named', 'val_9.JPEG'),
    'a line missing': (replaced(ANNOTATIONS, b'val_3.JPEG\tn03\t0\t32\t44\t62\n', b''), 'needs 2 validation', '1 of n03'),
    'an unknown class': (replaced(ANNOTATIONS, b'val_3.JPEG\tn03', b'val_3.JPEG\tn07'), 'needs 2 validation', '1 of n07 (no class)'),
    'a class with too many': (replaced(ANNOTATIONS, b'val_3.JPEG\tn03', b'val_3.JPEG\tn01'), 'needs 2 validation', '3 of n01'),
    'a name outside': (replaced(ANNOTATIONS, b'val_3.JPEG', b'../val_3.JPEG'), 'needs 2 validation', '1 of n03'),
    'half an image': (cut('val/images/val_0.JPEG'), 'val/images/val_0.JPEG, which is damaged', 'truncated'),
    'no image': (cut('train/n03/images/n03_1.JPEG'), 'n03_1.JPEG, which is damaged', 'again'),
    'annotations that are no text': (replaced(ANNOTATIONS, b'val_3', b'\xff\xfe'), ANNOTATIONS, 'as text'),
}  # fmt: skip


@pytest.mark.parametrize('form', [zipped, unpacked])
@pytest.mark.parametrize('what', WRONG)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, form, what):
    change, *words = WRONG[what]
    files = published()
    change(files)
    archive, out = form(tmp_path / 'archive', files), tmp_path / 'out/tiny'
    with pytest.raises(PreflightError) as error:
        tool.convert(archive, out, **COUNTS)
    assert all(word in str(error.value) for word in (str(archive), *words)), error.value
    assert not out.parent.exists() or list(out.parent.iterdir()) == []


@pytest.mark.parametrize('damage', ['cut short', 'a byte changed', 'not there', 'no zip'])
def test_a_damaged_file_is_refused(tmp_path, damage):
    archive, out = zipped(tmp_path / 'a.zip', published()), tmp_path / 'out'
    content = bytearray(archive.read_bytes())
    if damage == 'cut short':
        archive.write_bytes(content[: len(content) // 2])
    elif damage == 'a byte changed':
        place = content.index(jpeg(0)[300:340])  # inside an image, where a decoder would not notice
        content[place] ^= 0xFF
        archive.write_bytes(content)
    elif damage == 'not there':
        archive.unlink()
    else:
        archive.write_bytes(b'<html>not found</html>')
    with pytest.raises(PreflightError) as error:
        tool.convert(archive, out, **COUNTS)
    assert str(archive) in str(error.value) and sorted(p.name for p in tmp_path.iterdir()) == ['a.zip'] * archive.exists()


def test_what_is_there_is_not_touched(tmp_path):
    archive, out = zipped(tmp_path / 'a.zip', published()), tmp_path / 'out'
    out.mkdir()
    (out / 'precious').write_text('x')
    with pytest.raises(PreflightError, match='does not exist yet'):
        tool.convert(archive, out, **COUNTS)
    assert contents(out) == {'precious': b'x'}
    with pytest.raises(PreflightError, match='does not exist yet'):
        tool.convert(archive, archive, **COUNTS)
    with pytest.raises(PreflightError, match='can be written'):
        tool.convert(archive, archive / 'inside', **COUNTS)
