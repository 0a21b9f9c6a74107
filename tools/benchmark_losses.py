"""What the losses cost, forward and backward, on random outputs of two networks: python tools/benchmark_losses.py."""

import sys

from mmkd_ext.commands.benchmark_losses import main

if __name__ == '__main__':
    sys.exit(main())
