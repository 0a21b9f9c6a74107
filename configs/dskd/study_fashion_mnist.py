"""What each part of DSKD adds on Fashion-MNIST, and the four ways to weight the layers; the same budget, five seeds.

    python tools/study.py configs/dskd/study_fashion_mnist.py --plot --readme configs/dskd/README.md

(a) is the teacher's prediction, (b) its feature map, both with softmax weights. The teacher has to be trained first:
python tools/train.py configs/dskd/teacher_r18_fashion_mnist.py
"""

config = 'configs/dskd/dskd_r18_r18x2_fashion_mnist.py'
a, b = 'model.losses.dskd.alpha', 'model.losses.dskd.beta'

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2, 3, 4],
    variants={
        'baseline': dict(config=config, plain=True),
        'KD': dict(config=config, options={a: 0.0, b: 0.0}),
        'KD + (a)': dict(config=config, options={b: 0.0}),
        'KD + (b)': dict(config=config, options={a: 0.0}),
        'KD + (a) + (b)': dict(config=config),
        'proportional weights': dict(config=config, options={'model.losses.dskd.strategy': 'proportional'}),
        'inverse softmax weights': dict(config=config, options={'model.losses.dskd.strategy': 'inverse_softmax'}),
        'uniform weights': dict(config=config, options={'model.losses.dskd.strategy': 'uniform'}),
    })
