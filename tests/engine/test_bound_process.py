"""A child process ends with its parent, and its exit code comes back."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmkd_ext.engine.bound_process import run_bound

REPO = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    'system', [pytest.param('linux', marks=pytest.mark.skipif(sys.platform != 'linux', reason="Linux's prctl")), 'another system'])
def test_a_process_ends_with_the_one_that_started_it(tmp_path, system):
    inner = (
        f'import os, time; open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))\n'
        'from mmkd_ext.engine.bound_process import end_with_parent; end_with_parent(0.1); time.sleep(60)')
    outer = (
        f'import sys; sys.platform = {system!r}\n'
        f'from mmkd_ext.engine.bound_process import run_bound; run_bound([sys.executable, "-c", {inner!r}])')
    started = subprocess.Popen([sys.executable, '-c', outer], cwd=REPO)
    pid = tmp_path / 'pid'
    for _ in range(300):
        if pid.exists() and pid.read_text():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    assert _lives(pid.read_text())
    started.kill()
    started.wait()
    for _ in range(100):
        if not _lives(pid.read_text()):
            break
        time.sleep(0.1)
    assert not _lives(pid.read_text())


def _lives(pid: str) -> bool:
    status = Path(f'/proc/{pid}/stat')
    return status.exists() and status.read_text().rsplit(')', 1)[1].split()[0] != 'Z'


@pytest.mark.skipif(sys.platform != 'linux', reason="Linux's prctl")
def test_the_exit_code_and_the_options_are_those_of_subprocess_run(tmp_path):
    code = 'import os, sys; sys.exit(7 if os.environ.get("SAID") == "x" and os.path.exists("here") else 1)'
    (tmp_path / 'here').touch()
    assert run_bound([sys.executable, '-S', '-c', code], env={'SAID': 'x'}, cwd=tmp_path) == 7


def test_elsewhere_the_command_is_told_whom_to_watch(monkeypatch):
    monkeypatch.setattr(sys, 'platform', 'darwin')
    code = 'import os, sys; sys.exit(int(os.environ["MMKD_PARENT"]) == os.getppid() and os.environ.get("SAID") == "x")'
    assert run_bound([sys.executable, '-S', '-c', code], env={'SAID': 'x'}) == 1
