r"""What distillation adds to a PSPNet of digit scenes: KD and CWD beside the student alone; three paired seeds.

    python tools/study.py configs/segmentation/study_digit_masks.py --readme configs/segmentation/README.md \
        --results configs/segmentation/results/digit_masks_cpu.json

The student sees 100 scenes 30 times; the teacher, which is trained first, 400 scenes 12 times. In all variants a seed has the same initial
student and the same order of images. A minute or two a run on one core.
"""

_page = 'configs/segmentation/%s_pspnet_narrow_r18_r18_digit_masks.py'

study = dict(
    metric='mIoU',
    seeds=[0, 1, 2],
    same_start='configs/segmentation/pspnet_narrow_r18_digit_masks.py',
    teachers=dict(r18=dict(config='configs/segmentation/teacher_pspnet_r18_digit_masks.py')),
    variants={
        'alone': dict(config='configs/segmentation/pspnet_narrow_r18_digit_masks.py'),
        'KD': dict(config=_page % 'kd', teacher='r18'),
        'CWD': dict(config=_page % 'cwd', teacher='r18')},
    differences={'KD': 'alone', 'CWD': ['alone', 'KD']})
