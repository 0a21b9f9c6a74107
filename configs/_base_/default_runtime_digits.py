"""What every config shares, for small runs: one checkpoint is kept, every 50 epochs."""

_base_ = 'default_runtime.py'

default_hooks = dict(checkpoint=dict(interval=50, max_keep_ckpts=1))
