"""Plain network against TESKD on few handwritten digits, the same budget, five seeds (about ten minutes on two cores).

    python tools/study.py configs/teskd/study_digits.py --readme configs/teskd/README.md

Learning rate and batch size were chosen by tries on seeds 0 to 2; both variants have the same.
"""

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2, 3, 4],
    variants=dict(
        plain=dict(config='configs/teskd/r18_digits.py', plain=True),
        TESKD=dict(config='configs/teskd/r18_digits.py')))
