"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT. The flags are those of the zoo's own test.py."""

import sys

from mmkd_ext.commands.test import main

if __name__ == '__main__':
    sys.exit(main())
