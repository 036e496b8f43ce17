"""Run a command; print wall seconds, CPU seconds and the peak memory of its whole process tree.

Usage: python tests/bench/process_tree.py COMMAND [ARGUMENT ...]

Memory is the sum of proportional set sizes (shared pages count once), sampled twice a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

SAMPLE_S = 0.5
_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


def descendants(root: int) -> list[int]:
    """Return the ids of a process and everything below it."""
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        for thread in Path(f"/proc/{found[-1]}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended
                todo += map(int, thread.read_text().split())
    return found


def memory_kb(process: int) -> int:
    """Return the proportional set size of a process, 0 when it has ended."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def measure(command: list[str], sampled: bool = True) -> dict[str, Any]:
    """Run a command; return its exit code, wall and CPU seconds, peak memory, and the most processes at once.

    Sampling takes up to 5 % of a core, which tells where all cores are at work: without it the last two are 0.
    """
    peak, most = 0, 0
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # so that orphans are ours, and their CPU counts
    child = subprocess.Popen(command)
    ended = threading.Event()

    def sample() -> None:
        nonlocal peak, most
        while sampled and not ended.wait(SAMPLE_S):
            tree = descendants(child.pid)
            peak, most = max(peak, sum(map(memory_kb, tree))), max(most, len(tree))

    sampler = threading.Thread(target=sample)
    sampler.start()
    code = child.wait()
    ended.set()
    sampler.join()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_tree_mb": peak // 1024,
        "most_processes": most,
        "cores": os.cpu_count(),
        "exit": code,
    }


def main(command: list[str]) -> int:
    """Run, sample, report; return the command's exit code."""
    report = measure(command)
    print(json.dumps(report), file=sys.stderr)
    return int(report["exit"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
