"""A data set of mmdet with one image and a few boxes."""

import json

import cv2
import numpy as np
from mmdet.datasets import CocoDataset


def data_set(folder, used, classes, categories=('a', 'b', 'c')):
    """One image with a box for each of `used`, ids of categories that count from 1."""
    content = dict(
        images=[dict(id=1, file_name='1.png', width=64, height=64)], info={}, licenses=[],
        categories=[dict(id=k, name=name) for k, name in enumerate(categories, 1)],
        annotations=[dict(id=i, image_id=1, category_id=k, bbox=[1, 2, 10, 10], area=100, iscrowd=0) for i, k in enumerate(used, 1)])
    (folder / 'boxes.json').write_text(json.dumps(content))
    cv2.imwrite(str(folder / '1.png'), np.zeros((64, 64, 3), np.uint8))
    return CocoDataset(data_root=str(folder), ann_file='boxes.json', metainfo=dict(classes=classes), data_prefix=dict(img=''))
