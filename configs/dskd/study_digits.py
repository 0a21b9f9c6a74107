"""What each part of DSKD adds on handwritten digits, and the four ways to weight the layers; the same budget, five seeds.

    python tools/study.py configs/dskd/study_digits.py --plot --readme configs/dskd/README.md

(a) is the teacher's prediction, (b) its feature map, both with softmax weights. The teacher has to be trained first:
python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
"""

a, b = 'model.losses.dskd.alpha', 'model.losses.dskd.beta'

study = dict(
    config='configs/dskd/dskd_resnet8_resnet20x2_digits.py',
    metric='accuracy/top1',
    seeds=[0, 1, 2, 3, 4],
    variants={
        'baseline': dict(plain=True),
        'KD': dict(options={a: 0.0, b: 0.0}),
        'KD + (a)': dict(options={b: 0.0}),
        'KD + (b)': dict(options={a: 0.0}),
        'KD + (a) + (b)': dict(),
        'proportional weights': dict(options={'model.losses.dskd.strategy': 'proportional'}),
        'inverse softmax weights': dict(options={'model.losses.dskd.strategy': 'inverse_softmax'}),
        'uniform weights': dict(options={'model.losses.dskd.strategy': 'uniform'}),
    })
