"""What each part of DSKD adds and the four ways to weight the layers: eight variants of one config, five seeds.

(a) is the teacher's prediction, (b) its feature map, both with softmax weights.
"""

a, b = 'model.losses.dskd.alpha', 'model.losses.dskd.beta'

study = dict(
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
