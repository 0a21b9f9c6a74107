"""What KD++ adds to a detector of digit scenes: the same student, scenes and steps with and without it; three seeds.

    python tools/study.py configs/nd_loss_det/study_digit_scenes.py --plot --readme configs/nd_loss_det/README.md

The teacher has to be trained first: python tools/train.py configs/nd_loss_det/teacher_r18_digit_scenes.py
"""

study = dict(
    config='configs/nd_loss_det/kdpp_narrow_r18_r18_digit_scenes.py',
    metric='coco/bbox_mAP',
    unit='percent',
    seeds=[0, 1, 2],
    variants={
        'baseline': dict(config='configs/nd_loss_det/faster_rcnn_narrow_r18_digit_scenes.py'),
        'KD++': dict(),
    })
