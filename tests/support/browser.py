"""Chromium without a window: a picture of a page, what its console says, and what it asks for outside."""

import json
import os
import shutil
import subprocess
from typing import NamedTuple

import cv2
import numpy as np

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'chrome'))), None)
_FLAGS = (
    '--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--enable-logging=stderr', '--host-resolver-rules=MAP * ~NOTFOUND')


class Seen(NamedTuple):
    """The picture (H, W, 3), the lines of the console, and the addresses that the page itself asked for."""

    picture: np.ndarray
    console: list[str]
    asked: list[str]


def look_at(page, folder, height=3000) -> Seen:
    """Open a file as a person would."""
    log, shot = folder / 'net.json', folder / 'shot.png'
    words = [CHROMIUM, *_FLAGS, f'--user-data-dir={folder / "profile"}', f'--window-size=1200,{height}', f'--screenshot={shot}',
             f'--log-net-log={log}', page.absolute().as_uri()]  # fmt: skip
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, 'HOME': str(folder)})
    assert shot.is_file(), ended.stderr[-2000:]
    events = [event.get('params') or {} for event in json.loads(log.read_text())['events']]
    # the browser's own errands have no origin
    asked = [each['url'] for each in events if 'url' in each and each.get('initiator', 'not an origin') != 'not an origin'
             and not each['url'].startswith(('data:', 'file:'))]  # fmt: skip
    return Seen(cv2.imread(str(shot)), [line for line in ended.stderr.splitlines() if 'CONSOLE' in line], asked)
