"""Write one HTML page about runs, to be opened anywhere: python tools/report.py WORK_DIR [WORK_DIR ...] --out report.html."""

import sys

from mmkd_ext.commands.report import main

if __name__ == '__main__':
    sys.exit(main())
