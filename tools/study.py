"""Run the same budget over several variants and seeds and write the table: python tools/study.py STUDY."""

import sys

from mmkd_ext.commands.study import main

if __name__ == '__main__':
    sys.exit(main())
