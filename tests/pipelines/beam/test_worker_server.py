"""Workers are forked from a server that is ready: how they start and end, and that no process outlives the driver."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.beam.worker_server import UNKNOWN_CODE, WorkerDiedError, WorkerServer, worker_server
from pipelines.faults import VARIABLE
from tests.bench.process_tree import descendants

pytestmark = pytest.mark.integration

WAIT_S = 20.0

DRIVER = """
import os, time
from pipelines.beam.worker_server import worker_server
workers = [worker_server().fork(os.environ) for _ in range(2)]
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def server() -> Iterator[WorkerServer]:
    server = WorkerServer()
    yield server
    server.close()


def fails_at_start(action: str) -> dict[str, str]:
    return {**os.environ, VARIABLE: f"worker.start:1:{action}"}


def gone(process: int) -> bool:
    """Whether a process has ended; one that only waits to be reaped has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


def await_gone(processes: list[int]) -> None:
    until = time.monotonic() + WAIT_S
    while left := [process for process in processes if not gone(process)]:
        assert time.monotonic() < until, left
        time.sleep(0.01)


def test_each_worker_reports_its_own_end(server: WorkerServer) -> None:
    actions = {"segv": -signal.SIGSEGV, "kill": -signal.SIGKILL, "ENOSPC": 1}
    workers = {action: server.fork(fails_at_start(action)) for action in actions}
    assert {action: worker.wait() for action, worker in workers.items()} == actions
    assert server.alive


def test_a_worker_can_be_killed_and_killed_again(server: WorkerServer) -> None:
    worker = server.fork(fails_at_start("stop"))
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    worker.kill()


def test_a_worker_has_folder_path_and_environment_of_the_driver_at_its_start(
    server: WorkerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_my_own").mkdir()
    (tmp_path / "of_my_own" / "sdk_plugin.py").write_text(
        "import os, pathlib; pathlib.Path('seen').write_bytes(os.environb[b'MY_OWN'])\n"
    )
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(tmp_path / "of_my_own")
    monkeypatch.setenv("PIPELINE_OPTIONS", '{"beam_plugins": ["sdk_plugin"]}')
    monkeypatch.setenv("CONTROL_API_SERVICE_DESCRIPTOR", "url: 'localhost:1'")
    monkeypatch.setenv("MY_OWN", "a\udcff")
    worker = server.fork(os.environ)
    until = time.monotonic() + WAIT_S
    while not Path("seen").exists() or Path("seen").read_bytes() != b"a\xff":
        assert time.monotonic() < until
        time.sleep(0.01)
    worker.kill()


def test_the_server_forks_with_no_thread_of_python(server: WorkerServer) -> None:
    server.fork(fails_at_start("kill")).wait()
    names = [path.read_text().strip() for path in Path(f"/proc/{server.pid}/task").glob("*/comm")]
    assert [name for name in names if name != "jemalloc_bg_thd"] == ["python"]


def test_when_the_server_dies_so_do_its_workers_and_another_takes_its_place() -> None:
    first = worker_server()
    assert worker_server() is first
    workers = [first.fork(fails_at_start("stop")) for _ in range(2)]
    processes = descendants(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    assert [worker.wait() for worker in workers] == [UNKNOWN_CODE] * 2
    await_gone(processes)
    with pytest.raises(WorkerDiedError, match="has ended"):
        first.fork(os.environ)
    second = worker_server()
    assert second is not first
    assert second.fork(fails_at_start("segv")).wait() == -signal.SIGSEGV


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_driver(end: signal.Signals) -> None:
    environment = fails_at_start("stop")
    with subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, env=environment) as driver:
        try:
            assert driver.stdout is not None
            assert driver.stdout.readline() == b"ready\n"
            processes = descendants(driver.pid)[1:]
            assert len(processes) == 3
        finally:
            driver.send_signal(end)
    await_gone(processes)
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
