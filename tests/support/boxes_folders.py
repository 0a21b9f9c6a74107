"""Scenes of three digits with their boxes in a COCO file, and tiny detectors as config files."""

import json

from support.detection import tiny

from mmkd_ext.datasets.digit_scenes import write_scenes


def boxes_folder(root, scenes=8, classes=3):
    """`root/scenes/*.png`, `root/boxes.json`, and the configs `root/student.py` and `root/teacher.py`."""
    write_scenes(root / 'scenes', 'train', scenes, 0)
    content = json.loads((root / 'scenes/annotations.json').read_text())
    content['categories'] = content['categories'][:classes]
    content['annotations'] = [each for each in content['annotations'] if each['category_id'] < classes]
    (root / 'boxes.json').write_text(json.dumps(content))
    for name, width, embedding in (('student', 8, 32), ('teacher', 16, 48)):
        (root / f'{name}.py').write_text(f"default_scope = 'mmdet'\nmodel = {tiny('faster', width, embedding, classes=80)!r}\n")
    return root
