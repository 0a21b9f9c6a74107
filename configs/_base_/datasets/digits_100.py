"""100 of the handwritten digits, 10 of each kind, in batches of 32, so that a small network alone does not saturate."""

_base_ = 'digits.py'

train_dataloader = dict(batch_size=32, dataset=dict(samples_per_class=10))
