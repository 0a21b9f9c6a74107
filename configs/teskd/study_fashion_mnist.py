"""Plain network against TESKD on 300 images of Fashion-MNIST, the same budget, three seeds.

python tools/study.py configs/teskd/study_fashion_mnist.py --readme configs/teskd/README.md
"""

study = dict(
    metric='accuracy/top1',
    seeds=[0, 1, 2],
    variants=dict(
        plain=dict(config='configs/teskd/r18_fashion_mnist.py', plain=True),
        TESKD=dict(config='configs/teskd/r18_fashion_mnist.py')))
