"""Freed memory is kept where that helps, and left to the system where somebody else decides."""

import subprocess
import sys

import pytest
import torch
from support.runs import REPO, environment

_STEPS = """
import resource
import torch
from mmkd_ext.engine.memory import keep_freed_memory

torch.set_num_threads(1)
print(keep_freed_memory())


def step():
    kept = [torch.ones(2**20) for _ in range(20)]  # 4 MB each, as maps of a small network
    del kept


for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(torch.cuda.is_available() or not sys.platform.startswith('linux'), reason='for CPUs and glibc')
@pytest.mark.parametrize('own', [False, True])
def test_a_step_finds_the_pages_of_the_last_one_unless_the_environment_says_how(own):
    extra = {'MALLOC_TRIM_THRESHOLD_': '131072', 'MALLOC_MMAP_THRESHOLD_': '131072'} if own else {}
    variables = {key: value for key, value in environment(**extra).items() if own or not key.startswith('MALLOC_')}
    ran = subprocess.run([sys.executable, '-c', _STEPS], cwd=REPO, env=variables, capture_output=True, text=True, check=True)
    kept, faults = ran.stdout.split()
    assert kept == str(not own)
    assert (int(faults) < 200) != own, faults  # 20 480 pages are written
