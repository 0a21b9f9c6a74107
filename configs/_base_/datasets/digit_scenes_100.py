"""The first hundred of the 400 digit scenes, in COCO's order: what the students see."""

_base_ = 'digit_scenes.py'

train_dataloader = dict(dataset=dict(indices=100))
