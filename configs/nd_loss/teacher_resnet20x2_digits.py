"""The teacher of the digits twins: a ResNet-20 of twice the width (1.1 M parameters).

python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py

It sees all 1000 training images, the students 100 of them: on the same 100 it ended at 91.3 percent and the small student
alone at 94.2 (seed 0), which leaves nothing to teach. 480 steps of 64 images.
"""

_base_ = [
    '../_base_/models/resnet8_digits.py', '../_base_/datasets/digits.py', '../_base_/schedules/digits.py',
    '../_base_/default_runtime.py']

model = dict(backbone=dict(depth=20, width=2), head=dict(in_channels=128))
param_scheduler = dict(milestones=[15, 24])
train_cfg = dict(max_epochs=30)
default_hooks = dict(checkpoint=dict(interval=30, max_keep_ckpts=1))
