"""Images per second of the same distillation here, in timm, in torchdistill and in a plain loop: python tools/compare_peers.py."""

import sys

from mmkd_ext.commands.compare_peers import main

if __name__ == '__main__':
    sys.exit(main())
