r"""What KD and KD++ add to a small Faster R-CNN on Kvasir-SEG's polyps at 192 px; three paired seeds, for a CPU.

    MMKD_POLYPS=FOLDER python tools/study.py configs/nd_loss_det/study_polyps.py --readme configs/nd_loss_det/README.md \
        --results configs/nd_loss_det/results/polyps_cpu.json

800 images for training, 200 for validation, one split for all. Student and teacher start from ImageNet's weights of their backbone. In
all variants a seed has the same initial student and the same order of images.
"""

_base_ = '../_base_/studies/polyps.py'

_page = 'configs/nd_loss_det/%s_cut_lite0_lite0_polyps_192.py'

study = dict(
    same_start='configs/nd_loss_det/faster_rcnn_cut_lite0_polyps_192.py',
    variants={
        'alone': dict(config='configs/nd_loss_det/faster_rcnn_cut_lite0_polyps_192.py'),
        'KD': dict(config=_page % 'kd', teacher='lite0', options={'model.teacher.precision': 'bf16'}),
        'KD++': dict(config=_page % 'kdpp', teacher='lite0', options={'model.teacher.precision': 'bf16'}),
    },
    differences={'KD': 'alone', 'KD++': ['alone', 'KD']})
