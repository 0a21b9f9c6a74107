"""The study of study_digits.py on Fashion-MNIST.

    python tools/study.py configs/dskd/study_fashion_mnist.py --plot --readme configs/dskd/README.md

The teacher has to be trained first: python tools/train.py configs/dskd/teacher_r18_fashion_mnist.py
"""

_base_ = '../_base_/studies/dskd.py'

study = dict(config='configs/dskd/dskd_r18_r18x2_fashion_mnist.py')
