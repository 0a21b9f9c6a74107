"""Polyps' images and masks that do not belong together are named, and then nothing is written."""

import pytest
from support.polyp_folders import CLINIC, contents, encoded, mask_of, published, tool, unpacked, zipped

from mmkd_ext.errors import PreflightError


def without(name: str):
    return lambda files: files.pop(name)


def replaced(name: str, content: bytes):
    def change(files: dict[str, bytes]) -> None:
        assert name in files
        files[name] = content

    return change


def cut(name: str):
    return lambda files: files.update({name: files[name][: len(files[name]) // 2]})


def added(name: str):
    return lambda files: files.update({name: files['Kvasir-SEG/images/1.jpg']})


def moved(old: str, new: str):
    def change(files: dict[str, bytes]) -> None:
        for name in [name for name in files if old in name]:
            files[name.replace(old, new)] = files.pop(name)

    return change


def another_layout(files: dict[str, bytes]) -> None:
    files |= published(CLINIC)


IMAGES, MASKS = 'Kvasir-SEG/images', 'Kvasir-SEG/masks'
NARROW = encoded(mask_of('1')[:, :-1], 'JPEG')
WRONG = {
    'no mask': (without(f'{MASKS}/6.jpg'), '1 images without a mask: 6.'),
    'no image': (without(f'{IMAGES}/7.jpg'), '1 masks without an image: 7.'),
    'a mask of another size': (replaced(f'{MASKS}/3.jpg', NARROW), '1 of another', f'{MASKS}/3.jpg of 95 x 72 for', '96 x 72'),
    'half an image': (cut(f'{IMAGES}/5.jpg'), f'{IMAGES}/5.jpg, which cannot be read', 'truncated'),
    'half a mask': (cut(f'{MASKS}/5.jpg'), f'{MASKS}/5.jpg, which cannot be read', 'runcated'),
    'no picture': (replaced(f'{IMAGES}/9.jpg', b'<html>'), f'{IMAGES}/9.jpg, which cannot be read', 'Download it again'),
    'a name twice': (added(f'{IMAGES}/1.png'), '1 names given twice: 1.'),
    'no masks at all': (moved('masks', 'other'), 'images/ beside masks/', 'got neither'),
    'two layouts': (another_layout, 'once, got CVC-ClinicDB/Original, Kvasir-SEG/images'),
}  # fmt: skip


@pytest.mark.parametrize('form', [zipped, unpacked])
@pytest.mark.parametrize('what', WRONG)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, form, what):
    change, *words = WRONG[what]
    files = published()
    change(files)
    source, out = form(tmp_path / 'source', files), tmp_path / 'out/polyps'
    with pytest.raises(PreflightError) as error:
        tool.convert(source, out)
    assert all(word in str(error.value) for word in (str(source), *words)), error.value
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(val=0.0), '--val 0.0'), (dict(val=1.0), '--val 1.0'), (dict(val=0.04), 'of 10 images'),
        (dict(val=float('nan')), '--val nan'), (dict(val=0.5, test=0.5), '--test 0.5'), (dict(test=-0.1), '--test -0.1'),
        (dict(test=0.04), '--test 0.04'), (dict(threshold=0), '--threshold of 1 to 255'), (dict(threshold=256), 'got 256'),
        (dict(min_area=0), '--min-area of 1 or more'),
    ],
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(tmp_path, options, said):
    with pytest.raises(PreflightError) as error:
        tool.convert(unpacked(tmp_path / 'source', published()), tmp_path / 'out', **options)
    assert said in str(error.value) and not (tmp_path / 'out').exists()


@pytest.mark.parametrize('damage', ['cut short', 'not there', 'no zip'])
def test_a_damaged_file_is_refused(tmp_path, damage):
    archive = zipped(tmp_path / 'a.zip', published())
    if damage == 'not there':
        archive.unlink()
    else:
        content = archive.read_bytes()
        archive.write_bytes(content[: len(content) // 2] if damage == 'cut short' else b'<html>not found</html>')
    with pytest.raises(PreflightError, match=r'a\.zip'):
        tool.convert(archive, tmp_path / 'out')
    assert [path.name for path in tmp_path.iterdir()] == ['a.zip'] * archive.exists()


def test_what_is_there_is_not_touched(tmp_path):
    source, out = zipped(tmp_path / 'a.zip', published()), tmp_path / 'out'
    out.mkdir()
    (out / 'precious').write_text('x')
    with pytest.raises(PreflightError, match='does not exist yet'):
        tool.convert(source, out)
    assert contents(out) == {'precious': b'x'}
    with pytest.raises(PreflightError, match='can be written'):
        tool.convert(source, source / 'inside')
    (out / 'precious').unlink()
    tool.convert(source, out)
    assert 'train.json' in contents(out)


def test_nothing_half_written_stays_where_writing_fails(tmp_path, monkeypatch):
    source, written = unpacked(tmp_path / 'source', published()), tool._annotations

    def full(pictures, members):
        if len(members) == 2:  # val.json, after train.json
            raise OSError(28, 'No space left on device')
        return written(pictures, members)

    monkeypatch.setattr(tool, '_annotations', full)
    with pytest.raises(PreflightError, match='No space left'):
        tool.convert(source, tmp_path / 'data/polyps')
    assert list((tmp_path / 'data').iterdir()) == []
