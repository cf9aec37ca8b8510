"""What a worker started does not outlive it."""

import subprocess
import sys

import psutil

CHILD = "import time; from app.jobs.lifeline import hold; hold(); time.sleep(60)"
PARENT = f"""
import os, sys, time
from app.jobs.lifeline import start_bound
child = start_bound([sys.executable, "-c", {CHILD!r}], os.environ, sys.stderr.buffer)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_bound_process_ends_with_the_one_that_was_killed():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    parent.kill()
    parent.wait()
    child.wait(20)  # raises where it goes on
    parent.stdout.close()
