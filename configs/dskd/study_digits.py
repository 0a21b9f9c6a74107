"""What each part of DSKD adds on handwritten digits, and the four ways to weight the layers; the same budget, five seeds.

    python tools/study.py configs/dskd/study_digits.py --plot --readme configs/dskd/README.md

(a) is the teacher's prediction, (b) its feature map, both with softmax weights. The teacher has to be trained first:
python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
"""

_base_ = '../_base_/studies/dskd.py'

study = dict(config='configs/dskd/dskd_resnet8_resnet20x2_digits.py')
