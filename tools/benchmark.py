"""Compare a config's training step with its plain network's, and show what is deployed: python tools/benchmark.py CONFIG."""

import sys

from mmkd_ext.commands.benchmark import main

if __name__ == '__main__':
    sys.exit(main())
