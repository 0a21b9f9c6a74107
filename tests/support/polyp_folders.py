"""Small folders in the layouts of Kvasir-SEG and CVC-ClinicDB, and the tool that reads them."""

import importlib.util
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from support.runs import REPO

spec = importlib.util.spec_from_file_location('polyps', REPO / 'tools/dataset_converters/polyps.py')
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

WIDTH, HEIGHT = 96, 72
KVASIR = ('Kvasir-SEG/images', 'Kvasir-SEG/masks', 'jpg', 'JPEG')
CLINIC = ('CVC-ClinicDB/Original', 'CVC-ClinicDB/Ground Truth', 'tif', 'TIFF')
CLINIC_PNG = ('PNG/Original', 'PNG/Ground Truth', 'png', 'PNG')
LAYOUTS = {'kvasir': KVASIR, 'clinic': CLINIC, 'clinic png': CLINIC_PNG}
# What is drawn into the mask of each image: x, y, width, height.
DRAWN = {
    '1': [(8, 16, 32, 24)],
    '10': [(56, 40, 24, 24), (8, 8, 24, 16)],  # two polyps
    '2': [],  # none
    '3': [(0, 0, WIDTH, HEIGHT)],  # the whole image
    '4': [(40, 8, 48, 48), (4, 60, 3, 3)],  # and a speck
    '5': [(88, 64, 8, 8)],  # in the corner, as small as a polyp may be
    '6': [(16, 32, 40, 32)],
    '7': [(16, 32, 40, 32)],
    '8': [(24, 24, 16, 16), (40, 40, 16, 16)],  # touching by a corner: one
    '9': [(24, 24, 16, 16), (41, 24, 16, 16)],  # a pixel between them: two
}
SMALL = {'4': 1}


def boxes_of(name: str) -> list[list[int]]:
    if name == '8':
        return [[24, 24, 32, 32]]
    return sorted(([*box] for box in DRAWN[name] if box[2] * box[3] >= 64), key=lambda box: (box[1], box[0]))


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({'quality': 95} if kind == 'JPEG' else {}))
    return buffer.getvalue()


def mask_of(name: str, bright: int = 255) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for x, y, width, height in DRAWN[name]:
        mask[y : y + height, x : x + width] = bright
    return mask


def published(layout: tuple[str, str, str, str] = KVASIR) -> dict[str, bytes]:
    """File -> content; JPEG's masks have three channels, as Kvasir-SEG's do, and grey where its blocks ring."""
    images, masks, suffix, kind = layout
    files = {}
    for i, name in enumerate(DRAWN):
        pixels = np.random.default_rng(i).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        mask = mask_of(name)
        files[f'{images}/{name}.{suffix}'] = encoded(pixels, kind)
        files[f'{masks}/{name}.{suffix}'] = encoded(np.stack([mask] * 3, axis=2) if kind == 'JPEG' else mask, kind)
    return {**files, 'readme.txt': b'x', f'{images}/Thumbs.db': b'x', f'{images}/.DS_Store': b'x', f'{masks}/._1.jpg': b'x'}


def unpacked(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, 'w') as archive:
        for folder in ('images', 'masks'):  # what macOS puts beside an archive's files
            archive.writestr(f'__MACOSX/Kvasir-SEG/{folder}/._1.jpg', b'x')
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}
