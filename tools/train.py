"""Train the model of a config: python tools/train.py CONFIG. The flags are those of the zoo's own train.py."""

import sys

from mmkd_ext.commands.train import main

if __name__ == '__main__':
    sys.exit(main())
