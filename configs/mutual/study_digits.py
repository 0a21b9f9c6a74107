"""What the teacher and the peers add on digits: each alone, KD only, mutual learning only, both; the same budget, five seeds.

    python tools/study.py configs/mutual/study_digits.py --plot --readme configs/mutual/README.md

The metric is the ensemble's; beside it stand the mean of the two students and the teacher, which trains along in all of them.
"""

kd, ml = 'model.losses.kd.loss_weight', 'model.losses.ml.loss_weight'

study = dict(
    config='configs/mutual/kdml_two_narrow_r18_resnet8_digits.py',
    metric='accuracy/top1',
    also={
        'one student': ['first/accuracy/top1', 'second/accuracy/top1'],
        'teacher': ['teacher/accuracy/top1'],
    },
    seeds=[0, 1, 2, 3, 4],
    variants={
        'independent students': dict(options={kd: 0.0, ml: 0.0}),
        'KD only': dict(options={ml: 0.0}),
        'ML only': dict(options={kd: 0.0}),
        'KD + ML': dict(),
    })
