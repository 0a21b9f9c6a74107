r"""Plain network against TESKD on few handwritten digits, the same budget, ten paired seeds (about nine minutes on two cores).

    python tools/study.py configs/teskd/study_digits.py --jobs 2 --readme configs/teskd/README.md \
        --results configs/teskd/results/digits_cpu.json

Learning rate and batch size were chosen by tries on seeds 0 to 2; both variants have the same, and in both a
seed has the same initial network and the same order of images.
"""

study = dict(
    metric='accuracy/top1',
    seeds=list(range(10)),
    same_start='configs/teskd/r18_digits.py',
    variants=dict(
        plain=dict(config='configs/teskd/r18_digits.py', plain=True),
        TESKD=dict(config='configs/teskd/r18_digits.py')),
    differences=dict(TESKD='plain'))
