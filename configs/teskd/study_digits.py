"""Plain network against TESKD on few handwritten digits, the same budget, five seeds (about ten minutes on two cores).

    python tools/study.py configs/teskd/study_digits.py --readme configs/teskd/README.md

At two learning rates, since the one that suits TESKD does not suit the plain network.
"""

teskd = dict(config='configs/teskd/r18_digits.py')
plain = dict(teskd, plain=True)
slower = dict(options={'optim_wrapper.optimizer.lr': 0.02})

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2, 3, 4],
    variants={
        'plain': plain,
        'TESKD': teskd,
        'plain, lr 0.02': dict(plain, **slower),
        'TESKD, lr 0.02': dict(teskd, **slower),
    })
