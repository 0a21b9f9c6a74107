r"""What a teacher and a peer add to two small Faster R-CNNs on Kvasir-SEG's polyps at 192 px; three paired seeds, for a CPU.

    MMKD_POLYPS=FOLDER python tools/study.py configs/mutual/study_polyps.py --readme configs/mutual/README.md \
        --results configs/mutual/results/polyps_cpu.json

The metric is the ensemble's, by weighted box fusion; beside it stands the mean of the two students. The frozen teacher is that of
configs/nd_loss_det/study_polyps.py. One epoch, over which mutual learning grows. In all variants a seed has the same two initial students
and the same order of images.
"""

_base_ = '../_base_/studies/polyps.py'

kd, ml = 'model.losses.kd.loss_weight', 'model.losses.ml.loss_weight'
_both = dict(config='configs/mutual/kdml_two_cut_lite0_lite0_polyps_192.py', teacher='lite0')
_ramp = {'custom_hooks': [dict(type='mmkd_ext.LossWarmupHook', loss='ml', iters=100)]}

study = dict(
    options={
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'param_scheduler.1.T_max': 1,
        'model.teacher.precision': 'bf16',
    },
    also={'one student': ['first/coco/bbox_mAP', 'second/coco/bbox_mAP']},
    variants={
        'independent students': dict(**_both, options={kd: 0.0, ml: 0.0}),
        'KD only': dict(**_both, options={ml: 0.0}),
        'ML only': dict(**_both, options={**_ramp, kd: 0.0}),
        'KD + ML': dict(**_both, options=_ramp),
    },
    differences={
        'KD only': 'independent students',
        'ML only': 'independent students',
        'KD + ML': ['independent students', 'KD only', 'ML only'],
    })
