"""The first hundred of the 400 digit scenes with label maps: what the students see."""

_base_ = 'digit_masks.py'

train_dataloader = dict(dataset=dict(indices=100))
