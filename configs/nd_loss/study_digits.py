"""Same budget for the student alone and eight ways to distil it.

python tools/study.py configs/nd_loss/study_digits.py

The teacher has to be trained first: python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
"""

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    variants={
        'baseline': dict(config='configs/nd_loss/resnet8_digits.py'),
        'KD': dict(config='configs/kd/kd_resnet8_resnet20x2_digits.py'),
        'KD++': dict(config='configs/nd_loss/kdpp_resnet8_resnet20x2_digits.py'),
        'KD++, teacher in bf16': dict(
            config='configs/nd_loss/kdpp_resnet8_resnet20x2_digits.py', options={'model.teacher.precision': 'bf16'}),
        'DKD': dict(config='configs/dkd/dkd_resnet8_resnet20x2_digits.py'),
        'DKD++': dict(config='configs/nd_loss/dkdpp_resnet8_resnet20x2_digits.py'),
        'DIST': dict(config='configs/dist/dist_resnet8_resnet20x2_digits.py'),
        'DIST++': dict(config='configs/nd_loss/distpp_resnet8_resnet20x2_digits.py'),
        'ReviewKD': dict(config='configs/reviewkd/reviewkd_resnet8_resnet20x2_digits.py'),
        'ReviewKD++': dict(config='configs/nd_loss/reviewkdpp_resnet8_resnet20x2_digits.py'),
    })
