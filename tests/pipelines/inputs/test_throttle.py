"""One pace per host: all processes slow down together, and speed up again; data is never touched."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.inputs.address import parse_address
from pipelines.inputs.allowed_hosts import AllowedHosts
from pipelines.inputs.client import Client
from pipelines.inputs.retry import Retry
from pipelines.inputs.throttle import FIRST_INTERVAL_S, LONGEST_INTERVAL_S, LONGEST_S, RECOVERY, Throttle

ROOT = Path(__file__).resolve().parents[3]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def two(tmp_path: Path, clock: Clock) -> tuple[Throttle, Throttle]:
    """Two processes of one run, as far as the files are concerned."""
    return Throttle(tmp_path, clock), Throttle(tmp_path, clock)


def test_nobody_waits_before_the_host_complains(two: tuple[Throttle, Throttle]) -> None:
    assert [throttle.reserve("a") for throttle in two * 5] == [0.0] * 10


def test_a_complaint_to_one_slows_all(two: tuple[Throttle, Throttle], clock: Clock) -> None:
    one, other = two
    one.refused("a", 5.0)
    waits = [throttle.reserve("a") for throttle in (other, one, other)]
    assert waits == pytest.approx([5.0, 5.0 + FIRST_INTERVAL_S, 5.0 + 2 * FIRST_INTERVAL_S])
    assert other.reserve("b") == 0.0


def test_the_interval_doubles_once_per_complaint_and_shrinks_with_answers(
    two: tuple[Throttle, Throttle], clock: Clock
) -> None:
    one, other = two
    for _ in range(20):
        one.refused("a", 0.0)
        other.refused("a", 0.0)  # it was asked before the first answer came
        clock.now += 2.0
    one.reserve("a")
    assert one.reserve("a") == pytest.approx(LONGEST_INTERVAL_S)
    clock.now += 100
    other.served("a")
    other.reserve("a")
    assert one.reserve("a") == pytest.approx(LONGEST_INTERVAL_S * RECOVERY)
    for _ in range(500):
        other.served("a")
    clock.now += 100
    assert [one.reserve("a"), one.reserve("a")] == [0.0, 0.0]


def test_a_file_from_before_a_restart_makes_nobody_wait_for_ever(tmp_path: Path, clock: Clock) -> None:
    Throttle(tmp_path, clock).refused("a", 1e9)
    clock.now = 3.0
    assert Throttle(tmp_path, clock).reserve("a") == LONGEST_S


def test_half_a_file_is_no_file(tmp_path: Path, clock: Clock) -> None:
    throttle = Throttle(tmp_path, clock)
    throttle.refused("a", 9.0)
    (state,) = tmp_path.iterdir()
    state.write_text('{"next": 12')
    assert throttle.reserve("a") == 0.0


@pytest.mark.integration
def test_many_processes_never_go_faster_than_the_host_allows(server: Any, fault: Any, tmp_path: Path) -> None:
    """Three processes fetch from a host that answers 503 to more than 40 requests a second: all get their bytes."""
    server.files["/a"] = bytes(range(256)) * 64
    times: list[float] = []

    def limit(n: int, path: str) -> Any:
        times.append(time.monotonic())
        return fault(status=503) if sum(t > times[-1] - 0.25 for t in times) > 10 else None

    server.fault = limit
    script = (
        "import sys\n"
        "from pipelines.inputs.address import parse_address\n"
        "from pipelines.inputs.allowed_hosts import AllowedHosts\n"
        "from pipelines.inputs.client import Client\n"
        "from pipelines.inputs.retry import Retry\n"
        "client = Client(AllowedHosts(sys.argv[1], (sys.argv[2],)), Retry(base_s=0.05))\n"
        "address = parse_address(f'http://{sys.argv[2]}/a')\n"
        "pin = client.pin(address)\n"
        "data = b''.join(client.read(address, pin, n, n + 1024) for n in range(0, pin.size, 1024))\n"
        "assert data == bytes(range(256)) * 64\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), server.host]
    running = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(list((tmp_path / "work" / "remote").iterdir())) == 1


def test_the_client_waits_for_its_turn(server: Any, fault: Any, tmp_path: Path) -> None:
    server.files["/a"] = b"x"
    slept: list[float] = []
    sleep: Callable[[float], None] = slept.append
    client = Client(AllowedHosts(str(tmp_path), (server.host,)), Retry(), sleep, lambda: 0.0)
    server.fault = lambda n, path: fault(status=429, headers=(("Retry-After", "7"),)) if n == 0 else None
    assert client.pin(parse_address(f"{server.url}/a")).size == 1
    assert slept[0] == 7.0  # what the host asks for, not the first pause of 0.25 s
    assert slept[1] == pytest.approx(7.0, abs=0.5)  # nobody really slept: it is not yet its turn
