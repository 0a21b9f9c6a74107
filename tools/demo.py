"""What the project does, in a few minutes on a CPU: python tools/demo.py."""

import sys

from mmkd_ext.commands.demo import main

if __name__ == '__main__':
    sys.exit(main())
