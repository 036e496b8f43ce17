"""Faults that take a real process tree, another user, or another disk. Each returns what went wrong, or nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.faults import COUNT_VARIABLE, VARIABLE
from tests.bench.process_tree import descendants
from tests.faults.harness import ROOT, Bench, difference, tree

TIMEOUT_S = 600.0


def command(bench: Bench, out: Path, workers: int) -> list[str]:
    """Return the command that does the whole run."""
    arguments = [str(bench.recipe), "--out", str(out), "--workers", str(workers), "--quiet"]
    return [sys.executable, "-m", "pipelines", "run", *arguments]


def start(bench: Bench, out: Path, workers: int, fault: str | None = None) -> subprocess.Popen[str]:
    """Start a whole run as a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if fault is not None:
        counts = bench.folder / "counts"
        counts.unlink(missing_ok=True)
        environment |= {VARIABLE: fault, COUNT_VARIABLE: str(counts)}
    return subprocess.Popen(
        command(bench, out, workers),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a run; return its exit code and what it said."""
    said, _ = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, said


def complete(bench: Bench, out: Path, workers: int, fault: str | None = None) -> str:
    """Run to the end and compare with the clean run."""
    code, said = finish(start(bench, out, workers, fault))
    if code:
        return f"ended with {code}: {said.strip()[-300:]}"
    differs = difference(tree(out), bench.trees["pack"])
    return f"differs: {differs}" if differs else ""


def fresh(bench: Bench, name: str) -> Path:
    """Return a folder that is not there yet."""
    out = bench.folder / name
    shutil.rmtree(out, ignore_errors=True)
    return out


def two_workers(bench: Bench) -> str:
    """Two worker processes give the bytes of one."""
    return complete(bench, fresh(bench, "two"), 2)


def bundles_replayed(bench: Bench) -> str:
    """Every bundle is done three times over."""
    repeated = Bench(bench.folder, bench.recipe, ("--direct_runner_bundle_repeat=2",), bench.trees)
    out = fresh(bench, "replayed")
    ended = repeated.run("run", out)
    return difference(tree(out), bench.trees["pack"]) if not ended.code else ended.said


def worker_killed(bench: Bench) -> str:
    """A worker is killed in the middle of a unit: the same run continues and ends well."""
    return complete(bench, fresh(bench, "killed"), 2, "filter.batch:1:kill")


def worker_crashes(bench: Bench) -> str:
    """A worker crashes in a stage with a shuffle."""
    return complete(bench, fresh(bench, "crashed"), 2, "dedup-signatures.batch:2:segv")


def worker_dies_at_start(bench: Bench) -> str:
    """A worker dies before it has connected."""
    return complete(bench, fresh(bench, "stillborn"), 2, "worker.start:2:kill")


def server_killed(bench: Bench) -> str:
    """The process that forks the workers is killed, and they with it: another takes its place."""
    out = fresh(bench, "unserved")
    run = start(bench, out, 2, "filter.batch:1:stop")
    while not any(_is_stopped(process) for process in descendants(run.pid)):
        if run.poll() is not None:
            return f"ended with {run.returncode} before its worker stopped"
        time.sleep(0.02)
    server = next(process for process in descendants(run.pid) if _state(process)[1] == str(run.pid))
    os.kill(server, signal.SIGKILL)
    code, said = finish(run)
    return f"ended with {code}: {said}" if code else difference(tree(out), bench.trees["pack"])


def duplicate_run(bench: Bench) -> str:
    """A second run on the same output is refused by the holder's pid; the first is not disturbed."""
    out = fresh(bench, "duplicate")
    first = start(bench, out, 1, "extract.batch:1:stop")
    try:
        _wait_for(out / "work" / "lock")
        code, said = finish(start(bench, out, 1))
    finally:
        _go_on(first)
    if code != 3 or f"process {first.pid} on" not in said:
        return f"the second run ended with {code}: {said}"
    code, said = finish(first)
    return f"the first run ended with {code}: {said}" if code else difference(tree(out), bench.trees["pack"])


def interrupted(bench: Bench) -> str:
    """Ctrl-C and SIGTERM end a run with two workers soon, with 130 and how to go on; nothing stays behind."""
    out = fresh(bench, "interrupted")
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(bench, out, 2)
        _wait_for(out / "work" / "filter", process)
        os.killpg(process.pid, signal.SIGINT) if number == signal.SIGINT else process.send_signal(number)
        sent = time.monotonic()
        code, said = finish(process)
        if code != 130 or "the same command continues" not in said or "Traceback" in said:
            return f"{number.name}: ended with {code}: {said}"
        if time.monotonic() - sent > 20:
            return f"{number.name}: took {time.monotonic() - sent:.0f} s to end"
        shutil.rmtree(out / "work" / "filter")
    return complete(bench, out, 2)


def full_disk(bench: Bench) -> str:
    """A small disk fills up, at some point or other; each time one line says so, and more room is all it takes."""
    out = fresh(bench, "disk")
    out.mkdir()
    for kilobytes in (64, 256, 512, 1024, 1536, 4096):
        with tmpfs(out, kilobytes):
            ended = bench.run("run", out)
            if ended.code == 0:  # the run fits
                return difference(tree(out), bench.trees["pack"])
            lines = ended.said.strip().splitlines()
            if ended.code != 3 or len(lines) != 1 or "No space left on device" not in lines[0]:
                return f"{kilobytes} KiB: ended with {ended.code}: {ended.said.strip()[-300:]}"
            subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
            ended = bench.run("run", out)
            differs = difference(tree(out), bench.trees["pack"])
            if ended.code or differs:
                return f"{kilobytes} KiB: with more room: {ended.code} {ended.said} {differs}"
    return ""


@contextmanager
def tmpfs(folder: Path, kilobytes: int) -> Iterator[None]:
    """Mount a small memory disk.

    Raises:
        PermissionError: this process may not mount.
    """
    options = f"size={kilobytes}k"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        raise PermissionError(f"cannot mount a tmpfs here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def forbidden_folder(bench: Bench) -> str:
    """A folder in which the user may not write is refused with one line.

    Root may write everywhere, so as root the command runs without that capability. It is no other user, because another
    user may not be able to read the checkout: a home folder has mode 0700.

    Raises:
        PermissionError: this process is root and may not give up the capability.
    """
    out = fresh(bench, "forbidden")
    out.mkdir(mode=0o555)
    weaker = ["setpriv", "--bounding-set=-dac_override"] if os.getuid() == 0 else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*weaker, *command(bench, out, 1)], capture_output=True, text=True, env=environment)
    said = (done.stdout + done.stderr).strip()
    if said.startswith("setpriv:"):
        raise PermissionError(said)
    one_line = "\n" not in said and str(out) in said and "Permission denied" in said
    return "" if done.returncode == 3 and one_line else f"ended with {done.returncode}: {said[-300:]}"


def vanished_input(bench: Bench) -> str:
    """An input disappears while it is read; one line names it, and the run continues when it is back."""
    inputs = bench.folder / "inputs"
    shutil.copytree(ROOT / "tests" / "sample", inputs / "tests" / "sample", dirs_exist_ok=True)
    (inputs / "tests" / "faults").mkdir(exist_ok=True)
    recipe = Path(shutil.copy(bench.recipe, inputs / "tests" / "faults"))
    moved, victim = inputs / "away", inputs / "tests" / "sample" / "web.warc.gz"
    away = Bench(bench.folder, recipe)
    out = fresh(bench, "vanished")
    first = start(away, out, 1, "extract.batch:1:stop")
    _wait_for(out / "work" / "progress.jsonl", first)
    victim.rename(moved)
    victim.symlink_to("nowhere")
    _go_on(first)
    code, said = finish(first)
    victim.unlink()
    moved.rename(victim)
    # The file that is open stays readable; what was not yet open is missed.
    if code and (code != 3 or str(victim) not in said or len(said.strip().splitlines()) != 1):
        return f"ended with {code}: {said.strip()[-300:]}"
    code, said = finish(start(away, out, 1))
    return f"the second run ended with {code}: {said}" if code else ""


def _wait_for(path: Path, process: subprocess.Popen[str] | None = None) -> None:
    until = time.monotonic() + TIMEOUT_S
    while not path.exists():
        if time.monotonic() > until or (process is not None and process.poll() is not None):
            raise TimeoutError(f"{path} does not appear")
        time.sleep(0.02)


def _go_on(process: subprocess.Popen[str]) -> None:
    """Wait until a process has stopped itself, then let it go on."""
    while not _is_stopped(process.pid):
        if process.poll() is not None:
            return
        time.sleep(0.02)
    process.send_signal(signal.SIGCONT)


def _is_stopped(process: int) -> bool:
    return _state(process)[0] == "T"


def _state(process: int) -> tuple[str, str]:
    """Return the state of a process, as one letter, and its parent's id; X where there is none any more."""
    try:
        state, parent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "X", ""
    return state, parent


SCENARIOS: tuple[Callable[[Bench], str], ...] = (
    two_workers,
    bundles_replayed,
    worker_killed,
    worker_crashes,
    worker_dies_at_start,
    server_killed,
    duplicate_run,
    interrupted,
    full_disk,
    forbidden_folder,
    vanished_input,
)


def random_kill(bench: Bench, number: int, workers: int, typical_s: float) -> tuple[str, int]:
    """Kill the driver of a whole run at a random time, run again, compare.

    Returns:
        What is wrong, and the number of units that the second run started although the first had started them.
    """
    out = fresh(bench, "random")
    process = start(bench, out, workers)
    with process:
        try:
            process.wait(random.Random(number).uniform(0, typical_s))
        except subprocess.TimeoutExpired:
            process.kill()
    started = {path for path in (out / "work").rglob("*.started") if path.is_file()}
    return complete(bench, out, workers), len(started)
